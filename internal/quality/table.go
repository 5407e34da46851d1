package quality

import "github.com/dianchi-platform/dianchi/internal/charge"

// Table returns the rules in the order of the domain page's section 8, in words
// that have the numbers of l.
func Table(l *Limits) []RuleInfo {
	all := append(formRules(l), pastRules(l)...)
	all = append(all, vehicleRules(l)...)
	all = append(all, pileRules(l)...)
	return append(all, masterRules(l)...)
}

// formRules are found where a message is read, but for those of its sender's clock.
func formRules(l *Limits) []RuleInfo {
	row := func(id charge.Rule, applies string, w sentence, a ...charge.Action) RuleInfo {
		return RuleInfo{ID: id, Actions: a, Applies: applies, Zh: w.zh, En: w.en}
	}
	future := row(charge.RuleTimeFuture, "piles, vehicles, sessions", say(
		"ts 超前接收时间 %s以上标记（按接收时间排序），%s以上拒收",
		"ts is ahead of our clock by more than %s: flagged, and ordered by our clock; more than %s: rejected",
		l.FutureFlag, l.FutureReject), rejects, flags)
	future.past, future.carPast, future.session = pileAhead, vehicleAhead, sessionAhead
	vin := row(charge.RuleVINCheck, "vehicles, fleet", say(
		"VIN 长度或字符错误则拒收；校验位错误则标记（GB 16735）",
		"VIN of a wrong length or alphabet: rejected; wrong check character: flagged (GB 16735)"), rejects, flags)
	vin.car = vinDigit
	return []RuleInfo{
		row(charge.RuleMalformed, "all", say(
			"消息不是合法的 JSON（RFC 8259，UTF-8）；整条消息计一次",
			"The message is not JSON (RFC 8259, UTF-8); the whole message counts once"), rejects),
		row(charge.RuleTooLarge, "all", say(
			"消息超过 256 KiB 或 1,000 条；整条消息计一次",
			"The message has more than 256 KiB or 1,000 reports; it counts once"), rejects),
		row(charge.RuleFieldMissing, "all", say(
			"缺少必填字段；经纬度只有一个时位置置空",
			"A required member is absent or null; of lon and lat only one is there: no position"), rejects, nulls),
		row(charge.RuleFieldType, "all", say(
			"字段类型错误：必填字段则拒收，可选字段则置空",
			"A member has the wrong type: rejected where it is required, null where it is optional"), rejects, nulls),
		row(charge.RuleFieldValue, "all", say(
			"编码、编号或坐标不可能成立：必填字段则拒收，可选字段则置空（站点的 access 无效时按 private 处理，不对外公开）",
			"A code, id or coordinate cannot be: rejected where it is required, null where it is optional (a station whose "+
				"access cannot be counts as private, so that a slip shows nothing to everyone)"), rejects, nulls),
		row(charge.RuleStatusUnknown, "piles", say(
			"状态码不在 0、1、2、3、4、255 之中",
			"The status is none of 0, 1, 2, 3, 4, 255"), rejects),
		row(charge.RuleOwnerMismatch, "vehicles, fleet", say(
			"对象属于另一家单位",
			"The object belongs to another party"), rejects),
		row(charge.RuleIDUnknown, "piles, sessions", say(
			"充电枪不在该运营商的任何站点中",
			"The pile is in none of the party's stations"), rejects),
		vin, future,
	}
}

// pastRules are those of time, order and repetition.
func pastRules(l *Limits) []RuleInfo {
	row := func(id charge.Rule, w sentence, a charge.Action) RuleInfo {
		return RuleInfo{ID: id, Actions: of(a), Applies: "piles, vehicles", Zh: w.zh, En: w.en}
	}
	exact := row(charge.RuleDupExact, say(
		"与该对象最近 %v 条保留报文之一的 ts 和全部数值相同；站点、订单或车辆档案原样再次上报；删除并不存在的站点",
		"The same ts and values as one of the last %v reports kept of the object; a station, session or fleet "+
			"entry sent again unchanged; the removal of a station that is not there", kept), duplicate)
	exact.Applies = "all"
	rate := row(charge.RuleDupRate, say(
		"%s内三条报文（每秒多于一条），或一天（UTC）内状态变化超过 %s 次",
		"Three reports within %s (more than one a second), or more than %s changes of status in a day (UTC)",
		l.RateWindow, l.ChangesPerDay), flags)
	rate.past, rate.carPast = pileRate, vehicleRate
	return []RuleInfo{
		row(charge.RuleTimeTooOld, say(
			"ts 早于 7 天或（原始数据保留期 − 1 小时），取较小者",
			"ts is older than 7 days or the raw retention less 1 h, whichever is less"), rejects),
		row(charge.RuleTimeStale, say(
			"收到时已超过失联时限（默认 %s）",
			"Older than the stale limit (%s by default) when received", l.StaleAfter), history),
		row(charge.RuleOutOfOrder, say(
			"ts 早于该对象最近一次采纳的报文",
			"ts is before that of the object's newest taken report"), history),
		exact,
		row(charge.RuleDupConflict, say(
			"与最近一次采纳的报文 ts 相同但数值不同：以先到者为准",
			"The same ts as the newest taken report, but other values: the first one counts"), duplicate),
		rate,
	}
}

// vehicleRules are those of what a vehicle says of itself.
func vehicleRules(l *Limits) []RuleInfo {
	row := func(id charge.Rule, applies string, w sentence, a ...charge.Action) RuleInfo {
		return RuleInfo{ID: id, Actions: a, Applies: applies, Zh: w.zh, En: w.en}
	}
	with := func(r RuleInfo, alone, past vehicleCheck) RuleInfo { r.car, r.carPast = alone, past; return r }
	jump := with(row(charge.RuleSOCJump, "piles, vehicles", say(
		"SOC 在 %s内变化超过 %s 个百分点（间隔更长则按比例；充电枪只在同一订单内比较）；行驶中两次报文（间隔不超过 %s）之间上升超过 %s 个百分点",
		"socPct changes by more than %[2]s points within %[1]s, or in proportion over a longer time (of a pile: within one "+
			"session); it rises by more than %[4]s points between two reports, up to %[3]s apart, of a vehicle that drives",
		l.SOCJumpIn, l.SOCJumpPts, l.DrivingGap, l.SOCDrivingPts), flags), nil, vehicleSOCJump)
	jump.past = pileSOCJump
	return []RuleInfo{
		row(charge.RuleSOCRange, "piles, vehicles", say("SOC 不在 0–100 之内", "socPct is not within 0 to 100"), nulls),
		jump,
		with(row(charge.RuleSpeedRange, "vehicles", say(
			"车速为负或超过 %s km/h 置空；客车、物流车超过 %s km/h 标记",
			"speedKmh below 0 or above %s: null; above %s for buses and logistics: flagged",
			l.SpeedKMH, l.HeavySpeedKMH), nulls, flags), heavySpeed, nil),
		row(charge.RuleNullIsland, "vehicles, stations", say(
			"位置在 0,0 附近（±%s°）：车辆无位置，站点拒收",
			"The position is 0,0 (±%s°): no position for a vehicle, a station is rejected", l.NullIslandDeg), nulls, rejects),
		with(row(charge.RuleOutOfYunnan, "vehicles, stations", say(
			"位置在省界矩形之外：保留，但不进入热力图；仅在市界之外是允许的",
			"The position is outside the province's box: kept, but off heat maps; outside the city alone is allowed"),
			flags), outOfProvince, nil),
		row(charge.RuleTeleport, "vehicles", say(
			"与上一个可信位置相距超过 %s 米，且隐含速度超过 %s km/h；连续 %s 个相互一致（间隔不超过 %s）的位置之后接受新位置",
			"The position is more than %s m from the last one believed, and to get there takes more than %s km/h; "+
				"once %s in a row agree with each other (no more than %s apart), the last of them is believed",
			l.TeleportM, l.TeleportKMH, l.TeleportFixes, l.TeleportAgree), history),
		with(row(charge.RuleStuck, "vehicles", say(
			"车速超过 %s km/h 而位置 %s以上不变",
			"speedKmh above %s while the position stays the same for %s or longer", l.StuckKMH, l.StuckFor),
			flags), nil, stuckFix),
		row(charge.RuleCRSSuspect, "piles, vehicles, stations", say(
			"疑似坐标系错误：充电中的车辆（静止，位置与报文相差不超过 %s）与站点相差恰为一个 GCJ-02 偏移（约 360 米，±%s 米）。"+
				"该单位最近 %s内至少 %s 次不同枪、车的相遇，%s%% 一致，且涉及至少两个对方单位；能解释最多相遇的一方先被怀疑。"+
				"标记显示偏移的枪报文、被怀疑车企的全部带位置报文、被怀疑运营商的站点报文",
			"Wrong coordinate system suspected: a vehicle that stands and charges (position within %s of the report) and the "+
				"station are just one GCJ-02 shift apart (about 360 m, ±%s m). A party is suspected after at least %[4]s meetings of "+
				"different piles and vehicles within %[3]s, of which %[5]s %% agree, with two other parties or more; who explains most "+
				"meetings comes first. Marked are the pile reports that show it, all reports with a position of a suspected maker, "+
				"and the stations that a suspected operator sends",
			l.CRSFresh, l.CRSTolerance, l.CRSKeep, l.CRSVotes, l.CRSShare*100), flags),
		with(row(charge.RuleOdoDecrease, "vehicles", say(
			"里程下降超过 %s 米；该行程不计", "odometerKm falls by more than %s m; the trip does not count",
			l.OdoSlackM), flags), nil, odoDecrease),
		with(row(charge.RuleOdoJump, "vehicles", say(
			"里程增加超过 %s km/h × 间隔 + %s 米；该行程不计",
			"odometerKm grows by more than %s km/h × the time between, plus %s m; the trip does not count",
			l.OdoKMH, l.OdoJumpM), flags), nil, odoJump),
		row(charge.RuleSentinel, "piles, vehicles", say(
			"数值是 GB/T 32960.3 的异常/无效标志（…FE、…FF）",
			"The number is what GB/T 32960.3's abnormal or invalid (…FE, …FF) becomes when it is scaled"), nulls),
		row(charge.RuleSensorRange, "piles, vehicles", say(
			"充电枪：功率 ±%s kW、电压 0–%s V、电流 ±%s A、充电量 0–%s kWh、表底 0–%s kWh；"+
				"车辆：电压 0–%s V、电流 ±%s A、里程 0–%s km、绝缘 0–%s kΩ、续航 0–%s km",
			"Piles: power ±%s kW, voltage 0–%s V, current ±%s A, energy 0–%s kWh, meter 0–%s kWh; "+
				"vehicles: voltage 0–%s V, current ±%s A, odometer 0–%s km, insulation 0–%s kΩ, range 0–%s km",
			l.PileKW, l.PileV, l.PileA, l.PileKWh, l.MeterKWh, l.VehicleV, l.VehicleA, l.OdometerKM, l.InsulationKOhm,
			l.RangeKM), nulls),
	}
}
