import './variable-bar.css';
import { Checkbox, Popover, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconChevronDown } from '@tabler/icons-react';
import { useId, useMemo, useRef, useState } from 'react';
import { ALL } from '../dashboard/model.ts';
import type { ChosenVariable } from '../dashboard/variables.ts';
import { rankMatches } from '../format/fuzzy.ts';
import type { VariableState } from './use-variables.ts';

interface VariableBarProps {
  readonly state: VariableState;
  readonly onChange: (name: string, values: readonly string[]) => void;
}

/** What the dashboard's queries depend on, to choose from. */
export function VariableBar({ state, onChange }: VariableBarProps) {
  const shown = state.chosen.filter(
    (c) => c.variable.hide !== 'variable' && c.variable.type !== 'constant' && c.variable.type !== 'datasource',
  );
  if (shown.length === 0) return null;
  return (
    <div className="variable-bar">
      {shown.map((chosen) => (
        <VariableControl
          key={chosen.variable.name}
          chosen={chosen}
          loading={state.loading.has(chosen.variable.name)}
          error={state.errors.get(chosen.variable.name)}
          onChange={(values) => onChange(chosen.variable.name, values)}
        />
      ))}
    </div>
  );
}

interface VariableControlProps {
  readonly chosen: ChosenVariable;
  readonly loading: boolean;
  readonly error: unknown;
  readonly onChange: (values: readonly string[]) => void;
}

function VariableControl({ chosen, loading, error, onChange }: VariableControlProps) {
  const { variable } = chosen;
  const id = useId();
  return (
    <div className="variable">
      {variable.hide === 'no' && (
        <label htmlFor={id} title={variable.description || variable.name}>
          {variable.label || variable.name}
        </label>
      )}
      {variable.type === 'textbox' ? (
        <TextVariable id={id} key={chosen.values[0]} chosen={chosen} onChange={onChange} />
      ) : variable.type === 'adhoc' || variable.type === 'other' ? (
        <span className="variable-note">not supported ({variable.typeName})</span>
      ) : (
        <OptionPicker id={id} chosen={chosen} loading={loading} onChange={onChange} />
      )}
      {error !== undefined && (
        <span
          className="tone-critical tone-text row"
          title={error instanceof Error ? error.message : String(error)}
          style={{ padding: '0 8px' }}
        >
          <IconAlertTriangle size={14} />
        </span>
      )}
    </div>
  );
}

function TextVariable({
  id,
  chosen,
  onChange,
}: {
  readonly id: string;
  readonly chosen: ChosenVariable;
  readonly onChange: (v: readonly string[]) => void;
}) {
  const [text, setText] = useState(chosen.values[0] ?? '');
  const commit = () => {
    if (text !== chosen.values[0]) onChange([text]);
  };
  return (
    <input
      id={id}
      className="variable-text"
      value={text}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(e) => e.key === 'Enter' && commit()}
    />
  );
}

/** Long lists show this many matches; typing narrows them. */
const MAX_OPTIONS = 300;

function OptionPicker({
  id,
  chosen,
  loading,
  onChange,
}: {
  readonly id: string;
  readonly chosen: ChosenVariable;
  readonly loading: boolean;
  readonly onChange: (v: readonly string[]) => void;
}) {
  const { variable, options, selected, texts } = chosen;
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  // Several choices are one change: the dashboard asks when the list closes.
  const [draft, setDraft] = useState<readonly string[] | undefined>();
  const input = useRef<HTMLInputElement>(null);
  const current = draft ?? selected;
  const list = useMemo(() => {
    const all = variable.includeAll ? [{ text: 'All', value: ALL }, ...options] : options;
    return (text === '' ? all : rankMatches(text, all, (o) => o.text)).slice(0, MAX_OPTIONS);
  }, [options, text, variable.includeAll]);
  const close = () => {
    setOpen(false);
    setText('');
    setAt(0);
    if (draft && draft.join('\n') !== selected.join('\n')) onChange(draft.length > 0 ? draft : [ALL]);
    setDraft(undefined);
  };
  const pick = (value: string) => {
    if (!variable.multi) {
      setOpen(false);
      setText('');
      onChange([value]);
      return;
    }
    if (value === ALL) return setDraft([ALL]);
    const plain = current.filter((v) => v !== ALL);
    setDraft(plain.includes(value) ? plain.filter((v) => v !== value) : [...plain, value]);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt((i) => (i + move + list.length) % Math.max(list.length, 1));
    } else if (event.key === 'Enter' && list[at]) {
      event.preventDefault();
      pick(list[at].value);
    }
  };
  const label = texts.length > 2 ? `${texts.slice(0, 2).join(', ')} and ${texts.length - 2} more` : texts.join(', ');
  return (
    <Popover
      opened={open}
      onChange={(o) => (o ? setOpen(true) : close())}
      position="bottom-start"
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <button
          id={id}
          type="button"
          className="variable-button"
          aria-haspopup="listbox"
          aria-expanded={open}
          onClick={() => (open ? close() : setOpen(true))}
        >
          <span className="ellipsis">{loading ? 'Loading…' : label || 'None'}</span>
          <IconChevronDown size={14} />
        </button>
      </Popover.Target>
      <Popover.Dropdown p={6}>
        <TextInput
          ref={input}
          data-autofocus
          size="xs"
          placeholder="Filter"
          aria-label={`Filter ${variable.name}`}
          value={text}
          onKeyDown={onKeyDown}
          onChange={(e) => {
            setText(e.currentTarget.value);
            setAt(0);
          }}
        />
        <div className="variable-options" role="listbox" aria-multiselectable={variable.multi}>
          {list.map((option, i) => (
            <button
              key={option.value}
              type="button"
              role="option"
              tabIndex={-1}
              aria-selected={current.includes(option.value)}
              className={i === at ? 'at' : ''}
              onClick={() => pick(option.value)}
            >
              {variable.multi && <Checkbox size="xs" checked={current.includes(option.value)} readOnly tabIndex={-1} />}
              <span className="ellipsis">{option.text}</span>
            </button>
          ))}
          {list.length === 0 && (
            <div className="faint" style={{ padding: 8 }}>
              {options.length === 0 ? 'No values' : 'No match'}
            </div>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
