import './time-controls.css';
import { Button, Menu, Popover, TextInput } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronLeft,
  IconChevronRight,
  IconClock,
  IconRefresh,
  IconZoomOut,
} from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import {
  inputText,
  parseTime,
  QUICK_RANGES,
  type RawRange,
  rangeLabel,
  resolveRange,
  shiftRange,
  type TimeRange,
  zoomOut,
} from '../format/time-range.ts';

interface TimeRangePickerProps {
  readonly raw: RawRange;
  readonly range: TimeRange;
  readonly onChange: (raw: RawRange) => void;
}

/** Quick ranges, any two ends as text, and steps through time. */
export function TimeRangePicker({ raw, range, onChange }: TimeRangePickerProps) {
  const [open, setOpen] = useState(false);
  const choose = (next: RawRange) => {
    onChange(next);
    setOpen(false);
  };
  return (
    <div className="joined">
      <button
        type="button"
        className="joined-button"
        aria-label="Earlier"
        title="Earlier by half a span"
        onClick={() => onChange(shiftRange(range, -1))}
      >
        <IconChevronLeft size={16} />
      </button>
      <Popover opened={open} onChange={setOpen} position="bottom-end" shadow="md" trapFocus returnFocus>
        <Popover.Target>
          <button
            type="button"
            className="joined-button wide"
            aria-haspopup="dialog"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <IconClock size={15} stroke={1.7} />
            <span className="ellipsis">{rangeLabel(raw)}</span>
            <IconChevronDown size={14} />
          </button>
        </Popover.Target>
        <Popover.Dropdown p={0}>{open && <RangeForm raw={raw} onChoose={choose} />}</Popover.Dropdown>
      </Popover>
      <button
        type="button"
        className="joined-button"
        aria-label="Later"
        title="Later by half a span"
        onClick={() => onChange(shiftRange(range, 1))}
      >
        <IconChevronRight size={16} />
      </button>
      <button
        type="button"
        className="joined-button"
        aria-label="Zoom out"
        title="Zoom out"
        onClick={() => onChange(zoomOut(range))}
      >
        <IconZoomOut size={15} />
      </button>
    </div>
  );
}

function RangeForm({ raw, onChoose }: { readonly raw: RawRange; readonly onChoose: (raw: RawRange) => void }) {
  const [from, setFrom] = useState(inputText(raw.from));
  const [to, setTo] = useState(inputText(raw.to));
  const now = Date.now();
  const fromWrong = parseTime(from, now, 'from') === undefined ? 'Not a time' : undefined;
  const toWrong = parseTime(to, now, 'to') === undefined ? 'Not a time' : undefined;
  const backwards = !fromWrong && !toWrong && !resolveRange({ from, to }, now) ? 'Ends before it begins' : undefined;
  const apply = () => {
    if (!fromWrong && !toWrong && !backwards) onChoose({ from: stored(from, 'from'), to: stored(to, 'to') });
  };
  return (
    <div className="range-form">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
      >
        <TextInput
          size="xs"
          label="From"
          data-autofocus
          value={from}
          error={fromWrong}
          onChange={(e) => setFrom(e.currentTarget.value)}
        />
        <TextInput
          size="xs"
          label="To"
          value={to}
          error={toWrong ?? backwards}
          onChange={(e) => setTo(e.currentTarget.value)}
        />
        <Button size="xs" type="submit" fullWidth disabled={Boolean(fromWrong ?? toWrong ?? backwards)}>
          Apply
        </Button>
        <p className="faint">
          Relative, such as <code>now-90m</code> or <code>now-1d/d</code>, or a date, such as{' '}
          <code>2026-03-04 09:30</code>.
        </p>
      </form>
      <div className="quick" role="listbox" aria-label="Quick ranges">
        {QUICK_RANGES.map((q) => (
          <button
            key={q.label}
            type="button"
            role="option"
            aria-selected={q.from === raw.from && q.to === raw.to}
            onClick={() => onChoose({ from: q.from, to: q.to })}
          >
            {q.label}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Relative text as it is, dates as epoch milliseconds, which mean the same in every time zone. */
function stored(text: string, end: 'from' | 'to'): string {
  return text.trim().startsWith('now') ? text.trim() : String(parseTime(text, Date.now(), end));
}

interface RefreshPickerProps {
  readonly value: string;
  readonly intervals: readonly string[];
  readonly onChange: (value: string) => void;
  readonly onRefresh: () => void;
  readonly busy: boolean;
}

/** Asks again now, or every so often. */
export function RefreshPicker({ value, intervals, onChange, onRefresh, busy }: RefreshPickerProps) {
  return (
    <div className="joined">
      <button type="button" className="joined-button" aria-label="Refresh" title="Refresh" onClick={onRefresh}>
        <IconRefresh size={15} className={busy ? 'turning' : ''} />
      </button>
      <Menu position="bottom-end">
        <Menu.Target>
          <button type="button" className="joined-button" aria-label="Refresh every">
            {value && <span className="num">{value}</span>}
            <IconChevronDown size={14} />
          </button>
        </Menu.Target>
        <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
          {['', ...intervals].map((interval) => (
            <Menu.Item
              key={interval}
              onClick={() => onChange(interval)}
              {...(interval === value ? { color: 'accent' } : {})}
            >
              {interval === '' ? 'Off' : `Every ${interval}`}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

/** Calls back every so often while the page is seen. */
export function useEvery(everyMs: number | undefined, tick: () => void): void {
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => {
      if (!document.hidden) tick();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs, tick]);
}
