package account

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Text says the same in Chinese and in English.
type Text struct{ Zh, En string }

// Criterion is one part of the grade.
type Criterion struct {
	ID       string
	Name     Text
	Full     float64 // percent from which it has 100 points …
	None     float64 // … and from which it has none; between them it is linear
	Operator int     // weight for operators
	Maker    int     // weight for makers
	Needed   bool    // without its value there is no grade
	Raise    Text    // what to do to raise it

	of func(*Indicators) (v Value, sample uint64) // sample: how many reports it is a share of
}

// Criteria is the table of what a grade is made of. docs/quality.md is printed
// from it.
var Criteria = []Criterion{
	{"missing", Text{"数据缺失率", "data missing rate"}, 1, 20, 30, 35, true,
		Text{"每个对象在线时都要按周期上报（车辆 30 秒，充电枪 60 秒），断线期间的报文恢复后补报",
			"send every object's report at its cadence while it is on line (vehicles 30 s, piles 60 s), and send later what could not be sent"},
		func(x *Indicators) (Value, uint64) { return x.MissingRate, x.Expected }},
	{"timeliness", Text{"及时率（接收 − ts ≤ 60 秒）", "timeliness (receive − ts ≤ 60 s)"}, 99, 80, 20, 25, true,
		Text{"报文产生后立即发送，校准设备时钟，不要攒批超过几秒",
			"send a report as soon as it is made, keep clocks right, and gather batches for a few seconds at most"},
		func(x *Indicators) (Value, uint64) { return x.Timeliness, x.Delayed }},
	{"accuracy", Text{"准确率（未被标记的报文）", "accuracy (reports without a flag)"}, 98, 80, 25, 30, true,
		Text{"按 rules 中各规则的说明修正数值", "mend the values that the entries of rules name"},
		func(x *Indicators) (Value, uint64) { return x.Accuracy, x.Kept }},
	{"rejected", Text{"拒收率", "rejected reports"}, 0.5, 10, 10, 10, true,
		Text{"按 feedback 中的样例修正格式、编号和时间戳", "mend form, ids and times as the samples in feedback show"},
		func(x *Indicators) (Value, uint64) { return x.RejectedRate, x.Received }},
	{"online", Text{"在线率", "online rate"}, 95, 60, 15, 0, false,
		Text{"恢复离线的充电枪，停用的从站点档案中删除",
			"bring piles back that are silent, and take those out of the station that are no longer in use"},
		func(x *Indicators) (Value, uint64) { return x.OnlineRate, uint64(x.Rows) }},
}

// Grades are the letters and the score from which each is given.
var Grades = []struct {
	Grade string
	From  float64
}{{"A", 90}, {"B", 80}, {"C", 60}, {"D", 0}}

// Formula is how the score is made.
var Formula = Text{
	"得分 = Σ(权重 × 分数) ÷ Σ 权重，只计有数值的项；分数在“满分”与“零分”界限之间线性变化。任一必需项的样本少于 100 条时不评级",
	"score = Σ(weight × points) ÷ Σ weight over the components that have a value; points are linear between the bounds " +
		"of 100 and of 0. If a needed component rests on fewer than 100 reports there is no grade",
}

// Component is one criterion of a party's grade.
type Component struct {
	*Criterion
	Value  Value  // percent
	Sample uint64 // reports that Value is a share of; of online, rows
	Points Value  // 0 … 100
	Weight int
	Reason Text // what it is short of, and what to do to raise it
}

// Assessment is a party's grade with everything that it is made of.
type Assessment struct {
	Grade      string // "" when it is not given
	Score      Value  // 0 … 100
	Why        Text   // why there is no grade; empty when there is one
	Sample     uint64 // the smallest of the needed components
	Components []Component
}

// Assess grades a party of that kind by what s says.
func Assess(kind charge.PartyKind, s *Sum, x *Indicators) Assessment {
	var a Assessment
	var sum, weights float64
	a.Sample = math.MaxUint64
	lacks := ""
	for i := range Criteria {
		k := &Criteria[i]
		c := Component{Criterion: k, Weight: k.Operator}
		c.Value, c.Sample = k.of(x)
		if kind == charge.Maker {
			c.Weight = k.Maker
		}
		if c.Value.Known {
			c.Points = Value{points(c.Value.V, k.Full, k.None), true}
			sum += float64(c.Weight) * c.Points.V
			weights += float64(c.Weight)
		}
		if k.Needed && c.Sample < a.Sample {
			a.Sample, lacks = c.Sample, k.ID
		}
		c.Reason = c.reason(s)
		a.Components = append(a.Components, c)
	}
	if a.Sample < MinSample {
		a.Why = Text{
			fmt.Sprintf("必需项 %s 的样本只有 %d 条，评级至少需要 %d 条", lacks, a.Sample, MinSample),
			fmt.Sprintf("the needed component %s rests on %d reports, a grade needs at least %d", lacks, a.Sample, MinSample),
		}
		return a
	}
	a.Score = Value{sum / weights, true}
	for _, g := range Grades {
		if a.Score.V >= g.From {
			a.Grade = g.Grade
			break
		}
	}
	return a
}

// points is 100 at full and beyond, 0 at none and beyond, and linear between.
func points(v, full, none float64) float64 {
	return 100 * min(max((v-none)/(full-none), 0), 1)
}

// reason says what a component has and how it can have more.
func (c *Component) reason(s *Sum) Text {
	switch {
	case !c.Value.Known:
		return Text{"本窗口内没有数据", "nothing in this window says it"}
	case c.Weight == 0:
		return Text{"不计入评级：停放的车辆不上报", "not part of the grade: a parked vehicle is silent"}
	case c.Points.V == 100:
		return Text{"满分", "full points"}
	}
	bound := "≥ "
	if c.Full < c.None {
		bound = "≤ "
	}
	t := Text{
		percent(c.Value.V) + " %，满分要求 " + bound + percent(c.Full) + " %：" + c.Raise.Zh,
		percent(c.Value.V) + " %, full points at " + bound + percent(c.Full) + " %: " + c.Raise.En,
	}
	if r, ok := c.worst(s); ok {
		t.Zh += fmt.Sprintf("；最多的是 %s（%d 次）", r.Rule, r.Count)
		t.En += fmt.Sprintf("; most often it is %s (%d times)", r.Rule, r.Count)
	}
	return t
}

// worst returns the rule that cost the component most.
func (c *Component) worst(s *Sum) (worst RuleCount, found bool) {
	costs := map[string][]charge.Action{
		"accuracy": {charge.ActFlag, charge.ActNull}, "rejected": {charge.ActReject},
	}[c.ID]
	for _, r := range s.Rules {
		if slices.Contains(costs, r.Action) && cmp.Compare(r.Count, worst.Count) > 0 {
			worst, found = r, true
		}
	}
	return worst, found
}

func percent(v float64) string { return strconv.FormatFloat(float64(int64(v*100+.5))/100, 'f', -1, 64) }
