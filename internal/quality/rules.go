package quality

import "github.com/dianchi-platform/dianchi/internal/charge"

// RuleTariffCoverage is our own: the contract asks for the mark and names no rule.
const RuleTariffCoverage charge.Rule = "tariff.coverage"

// RuleInfo describes one rule for readers.
type RuleInfo struct {
	ID      charge.Rule
	Actions []charge.Action
	Applies string // to which payloads
	Zh, En  string // what it looks for, with its thresholds
}

const (
	rejects   = charge.ActReject
	duplicate = charge.ActDuplicate
	history   = charge.ActHistory
	flags     = charge.ActFlag
	nulls     = charge.ActNull
)

func of(a ...charge.Action) []charge.Action { return a }

// Rules is the table of all rules in force, in the order of the domain page's
// section 8. docs/rules.md is printed from it.
var Rules = []RuleInfo{
	{charge.RuleMalformed, of(rejects), "all",
		"消息不是合法的 JSON(RFC 8259,UTF-8);整条消息计一次",
		"The message is not JSON (RFC 8259, UTF-8); the whole message counts once"},
	{charge.RuleTooLarge, of(rejects), "all",
		"消息超过 256 KiB 或 1,000 条;整条消息计一次",
		"The message has more than 256 KiB or 1,000 reports; it counts once"},
	{charge.RuleFieldMissing, of(rejects, nulls), "all",
		"缺少必填字段;经纬度只有一个时位置置空",
		"A required member is absent or null; of lon and lat only one is there: no position"},
	{charge.RuleFieldType, of(rejects, nulls), "all",
		"字段类型错误:必填字段则拒收,可选字段则置空",
		"A member has the wrong type: rejected where it is required, null where it is optional"},
	{charge.RuleFieldValue, of(rejects, nulls), "all",
		"编码、编号或坐标不可能成立:必填字段则拒收,可选字段则置空",
		"A code, id or coordinate cannot be: rejected where it is required, null where it is optional"},
	{charge.RuleStatusUnknown, of(rejects), "piles",
		"状态码不在 0、1、2、3、4、255 之中",
		"The status is none of 0, 1, 2, 3, 4, 255"},
	{charge.RuleOwnerMismatch, of(rejects), "vehicles, fleet",
		"对象属于另一家单位",
		"The object belongs to another party"},
	{charge.RuleIDUnknown, of(rejects), "piles, sessions",
		"充电枪不在该运营商的任何站点中",
		"The pile is in none of the party's stations"},
	{charge.RuleVINCheck, of(rejects, flags), "vehicles, fleet",
		"VIN 长度或字符错误则拒收;校验位错误则标记(GB 16735)",
		"VIN of a wrong length or alphabet: rejected; wrong check character: flagged (GB 16735)"},
	{charge.RuleTimeFuture, of(rejects, flags), "piles, vehicles, sessions",
		"ts 超前接收时间 60 秒以上标记(按接收时间排序),5 分钟以上拒收",
		"ts is ahead of our clock by more than 60 s: flagged, and ordered by our clock; more than 5 min: rejected"},
	{charge.RuleTimeTooOld, of(rejects), "piles, vehicles",
		"ts 早于 7 天或(原始数据保留期 − 1 小时),取较小者",
		"ts is older than 7 days or the raw retention less 1 h, whichever is less"},
	{charge.RuleTimeStale, of(history), "piles, vehicles",
		"收到时已超过失联时限(默认 5 分钟)",
		"Older than the stale limit (5 min by default) when received"},
	{charge.RuleOutOfOrder, of(history), "piles, vehicles",
		"ts 早于该对象最近一次采纳的报文",
		"ts is before that of the object's newest taken report"},
	{charge.RuleDupExact, of(duplicate), "all",
		"与该对象最近 16 条保留报文之一的 ts 和全部数值相同;站点、订单或车辆档案原样再次上报",
		"The same ts and values as one of the last 16 reports kept of the object; a station, session or fleet entry sent again unchanged"},
	{charge.RuleDupConflict, of(duplicate), "piles, vehicles",
		"与最近一次采纳的报文 ts 相同但数值不同:以先到者为准",
		"The same ts as the newest taken report, but other values: the first one counts"},
	{charge.RuleDupRate, of(flags), "piles, vehicles",
		"1.8 秒内三条报文(每秒多于一条),或一天(UTC)内状态变化超过 1,440 次",
		"Three reports within 1.8 s (more than one a second), or more than 1,440 changes of status in a day (UTC)"},
	{charge.RuleSOCRange, of(nulls), "piles, vehicles",
		"SOC 不在 0–100 之内",
		"socPct is not within 0 to 100"},
	{charge.RuleSpeedRange, of(nulls, flags), "vehicles",
		"车速为负或超过 220 km/h 置空;客车、物流车超过 150 km/h 标记",
		"speedKmh below 0 or above 220: null; above 150 for buses and logistics: flagged"},
	{charge.RuleNullIsland, of(nulls, rejects), "vehicles, stations",
		"位置在 0,0 附近(±0.01°):车辆无位置,站点拒收",
		"The position is 0,0 (±0.01°): no position for a vehicle, a station is rejected"},
	{charge.RuleOutOfYunnan, of(flags), "vehicles, stations",
		"位置在省界矩形之外:保留,但不进入热力图;仅在市界之外是允许的",
		"The position is outside the province's box: kept, but off heat maps; outside the city alone is allowed"},
	{charge.RuleSentinel, of(nulls), "piles, vehicles",
		"数值是 GB/T 32960.3 的异常/无效标志(…FE、…FF)",
		"The number is what GB/T 32960.3's abnormal or invalid (…FE, …FF) becomes when it is scaled"},
	{charge.RuleSensorRange, of(nulls), "piles, vehicles",
		"充电枪:功率 ±4000 kW、电压 0–1500 V、电流 ±1000 A、充电量 0–100,000 kWh、表底 0–10⁹ kWh;" +
			"车辆:电压 0–6000 V、电流 ±3000 A、里程 0–999,999.9 km、绝缘 0–60,000 kΩ、续航 0–5000 km",
		"Piles: power ±4000 kW, voltage 0–1500 V, current ±1000 A, energy 0–100,000 kWh, meter 0–10⁹ kWh; " +
			"vehicles: voltage 0–6000 V, current ±3000 A, odometer 0–999,999.9 km, insulation 0–60,000 kΩ, range 0–5000 km"},
	{charge.RuleOverRated, of(flags), "piles",
		"连续两次功率超过额定功率的 1.1 倍",
		"Power above 1.1 × the rated power twice in a row"},
	{charge.RuleVIMismatch, of(flags), "piles",
		"功率与电压×电流相差超过 10 %(且超过 0.5 kW);交流枪也接受 √3 倍和 3 倍",
		"Power and V·I differ by more than 10 % (and 0.5 kW); for AC piles √3 and 3 times V·I agree too"},
	{charge.RuleNotCharging, of(flags), "piles",
		"状态不是充电中而功率超过 0.5 kW",
		"More than 0.5 kW with a status other than 3"},
	{charge.RuleOfflineBusy, of(flags), "piles",
		"离线或故障而订单仍在进行",
		"Offline or faulty while a session runs"},
	{charge.RuleSessionNeg, of(rejects), "sessions",
		"结束早于开始", "It ends before it starts"},
	{charge.RuleSessionZero, of(flags), "sessions",
		"结束等于开始", "It ends when it starts"},
	{charge.RuleSessionLong, of(flags), "sessions",
		"直流超过 24 小时,交流超过 7 天", "Longer than 24 h at a DC pile, 7 days at an AC pile"},
	{charge.RuleSessionLate, of(flags), "sessions",
		"结束 24 小时之后才收到;15 天之后不计入",
		"Received more than 24 h after its end; after 15 days it will not be counted"},
	{charge.RuleMoneySum, of(flags), "sessions",
		"明细之和与合计相差超过 0.01 元", "Details and totals differ by more than 0.01 yuan"},
	{charge.RuleMetaStation, of(flags), "stations",
		"在湖中、多于 50 个枪、额定功率不在 1.3–4000 kW、公共站无停车或电价信息",
		"In the lake, more than 50 piles, a rated power not within 1.3 to 4000 kW, a public station without parking or tariff"},
	{RuleTariffCoverage, of(flags), "stations",
		"电价时段没有恰好覆盖一天一次:价格未知(本平台自加的规则)",
		"The tariff's bands do not cover the day exactly once: the price is unknown (a rule of our own)"},
}
