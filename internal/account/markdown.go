package account

import (
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Page prints docs/quality.md.
func Page() string {
	var b strings.Builder
	b.WriteString(`# 数据质量 · Quality

<!-- Printed from internal/account: go test ./internal/account -run TestPage -update -->

` + "`GET /api/v1/quality` 与 `/api/v1/quality/{party}`" + `说明一家单位的报文结果如何：收支账、规则、及时率、缺失率、准确率、
在线率，以及评级 A–D 和其全部依据。监管方看到所有单位，单位看到自己的。窗口 ` + "`window=1h|24h|total`" + `（默认 24h）。

Both say what became of a party's reports: the account, the rules that they met, timeliness, missing rate, accuracy,
online rate, and a grade A to D with all that it is made of. Regulators see every party, a party sees its own.
` + "`window` is `1h`, `24h` (default) or `total`" + `, since the party was added.

## 计数 · What is counted

- 每条报文恰有一个结果，received = taken + duplicate + history + rejected，在每个五分钟和总数中都成立。
  计数来自磁盘上的日志记录，每条记录只计一次，断电重启后不变；窗口按接收时间划分为整五分钟，1h 是最近 12 个，24h 是最近 288 个，
  包括正在进行的一个。
  *Every report has exactly one outcome, and the sum holds in each five minutes and in total. Counts come from the records
  in the log, each counted once, so a restart by whatever means changes nothing. A window is whole five minutes by the
  time of receipt: 12 of them are 1h, 288 are 24h, the one that is running included.*
`)
	fmt.Fprintf(&b, `- 应报周期：车辆 %.0f 秒，充电枪 %.0f 秒。两次采纳的报文相隔不超过失联时限（默认 5 分钟）时对象算作在线，缺失
  round(间隔 ÷ 周期) − 1 条；更长的间隔是离线，不计缺失。expected = 在线时间 ÷ 周期。
  missing = max(0, 缺失 − history)：迟到的报文填补空缺。
  *Cadence: vehicles %.0f s, piles %.0f s. Between two taken reports no further apart than the stale limit (5 min by
  default) an object was on line, and round(gap ÷ cadence) − 1 reports are missing; after a longer gap it was off line,
  and nothing is. expected = time on line ÷ cadence. missing = max(0, missing − history): what comes late fills gaps,
  also if it is of a time when the object was off line, which is to the party's advantage.*
`, Cadence(charge.Maker).Seconds(), Cadence(charge.Operator).Seconds(),
		Cadence(charge.Maker).Seconds(), Cadence(charge.Operator).Seconds())
	b.WriteString("- 延迟 = 接收 − ts，按类计数，上限（秒） · *delay = receive − ts, counted in classes with the upper bounds (s)*:")
	for _, ms := range record.DelayBoundsMS {
		fmt.Fprintf(&b, " %g", float64(ms)/1000)
	}
	b.WriteString(`, ∞。
  p50、p95、p99 在类内线性插值；第一类（≤ 0）为 0，最后一类为其下限，即“至少”。p50RangeS、p95RangeS、p99RangeS 是其确定所在的区间 [从, 到]，无上限时“到”为 null；
  300 秒以上的类很宽，页面只显示区间。格式正确、对象属于该单位的充电枪和车辆报文都计入，重复和过旧的也计入。
  *p50, p95 and p99 are linear inside a class; the first class (≤ 0) is 0, the last one, without an upper bound, is its
  lower bound: "at least". p50RangeS, p95RangeS and p99RangeS are the bounds between which they lie for certain, [from, to], to
  null where there is none; from 300 s on classes are so wide that pages show these instead. Pile and vehicle reports whose form is right and whose object is the party's count, repeated and too old
  ones, too.*
- flagged：至少命中一条标记或置空规则的保留报文；nulls：被置空的数值。保留 kept = 采纳 + 仅存历史的充电枪、车辆报文。
  *flagged: kept reports that at least one flag or null rule met; nulls: values that were set to null. Kept are the pile
  and vehicle reports that were taken or went to history.*
- 在线率：窗口内每五分钟一行的在线对象比例的平均值（停机时没有行）；total 用最近一天的行。
  *Online rate: the mean of the shares of objects on line at each five minutes in the window; while the platform is down
  there is no row. For total it is that of the last day.*
- 没有数据的指标为 null，从不为 0 · *What nothing is known of is null, never 0.*

## 指标 · Indicators

| member | 指标 | formula |
|---|---|---|
| ` + "`timeliness.withinLimitPct`" + ` | 及时率 | reports with receive − ts ≤ 60 s ÷ reports with a delay |
| ` + "`missing.ratePct`" + ` | 数据缺失率 | missing ÷ expected |
| ` + "`flagged.ratePct`, `flagged.accuracyPct`" + ` | 标记率、准确率 | flagged ÷ kept; 100 − that |
| ` + "`nulls.ratePct`" + ` | 空值率 | values set to null in 100 kept reports |
| ` + "`online.ratePct`" + ` | 在线率 | mean of online ÷ objects over the five-minute rows |
| ` + "`account.rejected`" + ` | 拒收率 | rejected ÷ received |

## 评级 · Grade

`)
	b.WriteString(Formula.Zh + "。\n\n*" + Formula.En + ".*\n\n")
	b.WriteString("| component | 项目 | in words | 100 points | 0 points | weight: operator | weight: maker | needed |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	for _, k := range Criteria {
		full, none, needed := "≥ ", "≤ ", "yes"
		if k.Full < k.None {
			full, none = none, full
		}
		if !k.Needed {
			needed = "no"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s%g %% | %s%g %% | %d | %d | %s |\n", k.ID, k.Name.Zh, k.Name.En,
			full, k.Full, none, k.None, k.Operator, k.Maker, needed)
	}
	b.WriteString("\n| grade | score |\n|---|---|\n")
	for _, g := range Grades {
		fmt.Fprintf(&b, "| %s | ≥ %g |\n", g.Grade, g.From)
	}
	fmt.Fprintf(&b, `
每一必需项的样本（其分母：expected、有延迟的报文、kept、received）至少 %d 条；sample 是其中最小的 · *Each needed component must
rest on at least %d reports (what it is a share of: expected, with a delay, kept, received); sample is the least of them.*
车辆的在线率不计入评级：停放的车辆不上报 · *A maker's online rate is shown but not graded: parked vehicles are silent.*

## 如何提高 · How to raise it

| component | 做什么 | what to do |
|---|---|---|
`, MinSample, MinSample)
	for _, k := range Criteria {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.ID, k.Raise.Zh, k.Raise.En)
	}
	b.WriteString(`
## 历史 · History

每五分钟每家单位一行，写入 InfluxDB 的 ` + "`quality`" + `，用 ` + "`GET /api/v1/history/quality/{party}`" + ` 查询（docs/history.md）。
一行包含自上一行以来的全部计数，没有报文落入两行或漏掉；平台停机时没有行，停机前未写入的计数不进入以后的行。
*There is a row a party each five minutes, in InfluxDB's measurement ` + "`quality`" + `. It has what was counted since the row
before, so no report is in two of them; what was counted before a time of absence and is in no row is in none.*

## 自查 · Self-check

平台每 10 秒核对自己的账，差异出现在 ` + "`dianchi_account_difference`" + ` 和 /readyz 的 account 部分（docs/operations.md）。
*Each 10 s the platform compares its own books; a difference shows in that metric and in /readyz.*
`)
	return b.String()
}
