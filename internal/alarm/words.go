package alarm

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Flags are the words of the alarm flags of GB/T 32960.3, by bit: 0 to 18 of
// the 2016 edition, table 18; 19 to 27 of the 2025 edition.
var Flags = [...]Words{
	{"温度差异报警", "temperature difference"},
	{"电池高温报警", "battery over-temperature"},
	{"车载储能装置类型过压报警", "pack over-voltage"},
	{"车载储能装置类型欠压报警", "pack under-voltage"},
	{"SOC 低报警", "SOC low"},
	{"单体电池过压报警", "cell over-voltage"},
	{"单体电池欠压报警", "cell under-voltage"},
	{"SOC 过高报警", "SOC too high"},
	{"SOC 跳变报警", "SOC jump"},
	{"可充电储能系统不匹配报警", "storage system mismatch"},
	{"电池单体一致性差报警", "cell inconsistency"},
	{"绝缘报警", "insulation"},
	{"DC-DC 温度报警", "DC-DC temperature"},
	{"制动系统报警", "brake system"},
	{"DC-DC 状态报警", "DC-DC state"},
	{"驱动电机控制器温度报警", "motor controller temperature"},
	{"高压互锁状态报警", "high-voltage interlock"},
	{"驱动电机温度报警", "motor temperature"},
	{"车载储能装置类型过充", "overcharge"},
	{"驱动电机超速报警", "motor overspeed"},
	{"驱动电机过流报警", "motor overcurrent"},
	{"超级电容过温报警", "supercapacitor over-temperature"},
	{"超级电容过压报警", "supercapacitor over-voltage"},
	{"热事件报警", "thermal event"},
	{"氢气泄漏报警", "hydrogen leak"},
	{"氢气压力异常报警", "hydrogen pressure"},
	{"氢气温度异常报警", "hydrogen temperature"},
	{"燃料电池电堆超温报警", "fuel cell stack over-temperature"},
}

// FlagWords names the flags that are set, in the order of their bits.
func FlagWords(bits uint64) Words {
	var zh, en []string
	for i := range 64 {
		switch {
		case bits>>i&1 == 0:
		case i < len(Flags):
			zh, en = append(zh, Flags[i].Zh), append(en, Flags[i].En)
		default:
			zh, en = append(zh, fmt.Sprintf("标志 %d", i)), append(en, fmt.Sprintf("flag %d", i))
		}
	}
	return Words{strings.Join(zh, "、"), strings.Join(en, ", ")}
}

// Rules is the table of all kinds of alarm, with their usual patience.
var Rules = table()

var byID = func() map[string]*Rule {
	m := map[string]*Rule{}
	for i := range Rules {
		m[Rules[i].ID] = &Rules[i]
	}
	return m
}()

// RuleOf returns the rule of that id, nil for none.
func RuleOf(id string) *Rule { return byID[id] }

// Title says in a few words what is wrong. It names no VIN.
func (a *Alarm) Title() Words { return a.TitleNaming("") }

// TitleNaming is [Alarm.Title] with the name that English readers know a
// station by; "" where it has none, and then it is called as everybody does.
func (a *Alarm) TitleNaming(nameEn string) Words {
	w := Words{a.Rule, a.Rule}
	if r := byID[a.Rule]; r != nil {
		w = r.Name
	}
	if a.Rule == VehicleAlarm {
		return Words{fmt.Sprintf("%s：%d 级", w.Zh, a.Level), fmt.Sprintf("%s, level %d", w.En, a.Level)}
	}
	if a.Name != "" {
		return Words{w.Zh + "：" + a.Name, w.En + ": " + cmp.Or(nameEn, a.Name)}
	}
	return w
}

// Detail says what is known, with numbers. It names no VIN.
func (a *Alarm) Detail() Words {
	w := a.detail()
	if a.Last {
		w.Zh, w.En = join(w.Zh, "；", "最后已知，对象已离线"), join(w.En, "; ", "last known, the object is silent")
	}
	if a.Text != "" {
		w.Zh, w.En = join(w.Zh, "；", a.Text), join(w.En, "; ", a.Text)
	}
	return w
}

func join(a, between, b string) string {
	if a == "" {
		return b
	}
	return a + between + b
}

func (a *Alarm) detail() Words {
	f := func(zh, en string, n ...any) Words { return Words{fmt.Sprintf(zh, n...), fmt.Sprintf(en, n...)} }
	switch a.Rule {
	case VehicleAlarm:
		if a.Bits == 0 {
			return Words{"未给出报警标志", "no flag is given"}
		}
		return FlagWords(a.Bits)
	case StationFault:
		return f("%d / %d 枪故障", "%d of %d piles in fault", a.Count, a.Total)
	case StationSilent:
		return f("全部 %d 枪离线", "all %d piles offline", a.Total)
	case PartySilent:
		return f("%d 个对象离线，此前 %d 个在线", "%d objects offline of %d that were online", a.Count, a.Total)
	case FeedDead:
		if a.Total > 0 {
			return f("%d 个对象在线，10 分钟内 %d 条报文数值不变", "%d objects online, %d reports of 10 min without a new value", a.Count, a.Total)
		}
		return f("%d 个对象照常上报，数值不变", "%d objects report, and no value changes", a.Count)
	case PartyCRS:
		if a.Bits == shiftWGS {
			return f("%d / %d 次相遇显示位置似为 WGS-84，却标为 GCJ-02", "%d of %d meetings show positions in WGS-84 that are said to be GCJ-02", a.Count, a.Total)
		}
		return f("%d / %d 次相遇显示位置似为 GCJ-02，却未标明", "%d of %d meetings show positions in GCJ-02 that do not say so", a.Count, a.Total)
	case OwnInflux:
		if a.Object == "refused" {
			return f("启动以来 %d 个数据点被拒收", "%d points refused since the start", a.Count)
		}
		return f("滞后 %d 秒", "%d s behind", a.Count)
	case OwnSpool:
		return f("占用 %d%%", "%d %% full", a.Level)
	case OwnDisk:
		return f("剩余 %d MB", "%d MB free", a.Count)
	case OwnHistory:
		return f("启动以来删除 %d 个分片", "%d shards dropped since the start", a.Count)
	case OwnRegistry:
		return f("滞后 %d 条记录", "%d records behind", a.Count)
	case OwnSnapshot:
		return f("最近一次在 %d 秒前", "the newest is %d s old", a.Count)
	case OwnAccount:
		return Words{a.Object, a.Object}
	case OwnAlarms:
		return f("另有 %d 条未列出", "%d more are not listed", a.Count)
	}
	return Words{}
}

// KindWord returns the API's word for what an alarm is about.
func KindWord(k record.AlarmObject) string {
	words := [...]string{"", "platform", "party", "station", "pile", "vehicle"}
	if int(k) < len(words) {
		return words[k]
	}
	return ""
}
