import { expect, test } from 'vitest';
import { runPromqlTest } from './promqltest.ts';
import { parseSequence, parseSeriesNotation } from './series-notation.ts';

const DATA = `load 5m
  left{label="a"} 10
  left{label="b"} 20
  left{label="c"} 30
  right{label="a"} 100
  right{label="b"} 200
  right{label="d"} 400
`;

async function passes(script: string): Promise<void> {
  const { evals, failures } = await runPromqlTest(script);
  expect(failures).toEqual([]);
  expect(evals).toBeGreaterThan(0);
}

test('fill modifiers stand in for what is missing on a side', () =>
  passes(`${DATA}
eval instant at 0m left + fill(0) right
  {label="a"} 110
  {label="b"} 220
  {label="c"} 30
  {label="d"} 400

eval instant at 0m left + fill_left(5) right
  {label="a"} 110
  {label="b"} 220
  {label="d"} 405

eval instant at 0m nothing + fill_left(5) right
  {label="a"} 105
  {label="b"} 205
  {label="d"} 405

clear
load 1m
  requests{method="GET", status="200"} 100 100 stale
  requests{method="GET", status="500"} 10 10 10
  requests{method="PUT", status="200"} 20 20 20
  limits{method="GET", owner="x"} 1000 stale 1000
  limits{method="DELETE", owner="y"} 500 500 500

eval range from 0 to 2m step 1m requests / on(method) group_left fill(1) limits
  {method="GET", status="200"} 0.1 100 _
  {method="GET", status="500"} 0.01 10 0.01
  {method="PUT", status="200"} 20 20 20
  {method="DELETE"} 0.002 0.002 0.002
`));

test('@, offsets, subqueries and staleness', () =>
  passes(`load 10s
  metric{job="1"} 0+1x1000
  gaps 1+1x4 stale 9 stale stale 3

eval instant at 10s metric @ 100 offset 50s
  metric{job="1"} 5

eval instant at 10s metric @ end()
  metric{job="1"} 1

eval instant at 0s sum_over_time(metric[100s:25s] @ 300)
  {job="1"} 104

eval instant at 100s sum_over_time(sum_over_time(metric{job="1"}[100s] @ 100)[100s:25s] @ 50)
  {job="1"} 220

eval instant at 20s timestamp(timestamp(metric @ 999))
  {job="1"} 20

eval range from 0s to 100s step 50s predict_linear(metric[100s] @ 300, 3600)
  {job="1"} 360 365 370

eval range from 0 to 1m20s step 10s gaps
  gaps 1 2 3 4 5 _ 9 _ _

eval range from 0 to 1m20s step 10s count_over_time(gaps[30s])
  {} 1 2 3 3 3 2 2 1 1

eval instant at 30s gaps[20s]
  expect range vector from 20s to 30s step 10s
  gaps 3 4
`));

test('limit_ratio and its complement part the series between them', () =>
  passes(`load 1m
  m{i="0"} 1
  m{i="1"} 1
  m{i="2"} 1
  m{i="3"} 1

eval instant at 0 count(limit_ratio(0.3, m) or limit_ratio(-0.7, m))
  {} 4

eval instant at 0 limit_ratio(0.3, m) and limit_ratio(-0.7, m)

eval instant at 0 count(limit_ratio(1.1, m))
  expect warn msg: PromQL warning: ratio value should be between -1 and 1, got 1.1, capping to 1
  {} 4

eval instant at 0 count(limitk(2, m))
  {} 2
`));

test('what does not hold is told with its line', async () => {
  const { evals, failures } = await runPromqlTest(`${DATA}
eval instant at 0m left{label="a"}
  left{label="a"} 11

eval instant at 0m left{label="a"}

eval instant at 0m left{label="b"}
  left{label="b"} 20

eval instant at 0m left
  expect fail

eval instant at 0m left +
  {} 1

eval instant at 0m sum(left)
  expect warn
  {} 60
`);
  expect(evals).toBe(6);
  expect(failures.map((f) => f.line)).toEqual([9, 12, 17, 20, 23]);
  expect(failures[0]!.message).toBe('left{label="a"}: expected 11 but got 10');
  expect(failures[1]!.message).toContain('unexpected metric');
});

test('a script that cannot be read ends at the line', async () => {
  expect((await runPromqlTest('lod 5m')).failures).toEqual([{ line: 1, message: 'invalid command "lod 5m"' }]);
  expect((await runPromqlTest('load 5m\n  a{b=~"c"} 1')).failures[0]!.message).toContain('only "=" is allowed');
});

test('the notation of samples', () => {
  const values = (text: string) => parseSequence(text).map((v) => (v.omitted ? '_' : v.value));
  expect(values('0+10x3 _ 5x2 1-1x2 _x2')).toEqual([0, 10, 20, 30, '_', 5, 5, 5, 1, 0, -1, '_', '_']);
  expect(values('1e3 -.5 NaN Inf -Inf 0x2')).toEqual([1000, -0.5, NaN, Infinity, -Infinity, 0, 0, 0]);
  expect(parseSequence('{{count:1}}+{{count:2}}x2').map((v) => v.histogram!.count)).toEqual([1, 3, 5]);
  expect(() => parseSequence('1+2')).toThrow('expected "x<count>"');
  expect(() => parseSequence('{{cout:1}}')).toThrow('unknown field');
  expect([...parseSeriesNotation('{"my.name", a="}"} 1').labels]).toEqual(['__name__', 'my.name', 'a', '}']);
});
