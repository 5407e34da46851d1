package quality

import "github.com/dianchi-platform/dianchi/internal/charge"

// pileRules are those of power, status and energy.
func pileRules(l *Limits) []RuleInfo {
	row := func(id charge.Rule, alone, past pileCheck, w sentence) RuleInfo {
		return RuleInfo{ID: id, Actions: of(flags), Applies: "piles", Zh: w.zh, En: w.en, alone: alone, past: past}
	}
	return []RuleInfo{
		row(charge.RuleOverRated, nil, overRated, say(
			"连续两次功率超过额定功率的 %s 倍", "Power above %s × the rated power twice in a row", l.OverRated)),
		row(charge.RuleVIMismatch, viMismatch, nil, say(
			"功率与电压×电流相差超过 %s%%（且超过 %s kW）；交流枪也接受 √3 倍和 3 倍",
			"Power and V·I differ by more than %s %% (and %s kW); for AC piles √3 and 3 times V·I agree too",
			l.VITolerance*100, l.VIFloorKW)),
		row(charge.RuleNoPower, nil, noPower, say(
			"状态为充电中而功率低于 %s kW 达 %s", "Status 3 with less than %s kW for %s", l.NoPowerKW, l.NoPowerFor)),
		row(charge.RuleNotCharging, notCharging, nil, say(
			"状态不是充电中而功率超过 %s kW", "More than %s kW with a status other than 3", l.NotChargingKW)),
		row(charge.RuleOfflineBusy, offlineBusy, nil, say(
			"离线或故障而订单仍在进行", "Offline or faulty while a session runs")),
		row(charge.RuleUnchanged, nil, unchanged, say(
			"状态、功率、SOC、充电量和订单 %s没有任何变化（死数据）",
			"Status, power, SOC, energy and session are all the same for %s: a dead feed", l.UnchangedFor)),
		row(charge.RuleEdge, nil, edge, say(
			"相隔不超过 %s的两次报文之间不可能的状态变化：1、4 或 255 → 3（充电前须先插枪并握手），3 → 4（预约前须先拔枪）（本平台自加的规则）",
			"A change that nothing makes between two reports up to %s apart: 1, 4 or 255 → 3 (a car is plugged in and shakes "+
				"hands before it charges), 3 → 4 (it is unplugged before the next one reserves) (a rule of our own)",
			l.EdgeWithin)),
		row(charge.RuleEnergyDecrease, nil, energyDecrease, say(
			"同一订单内充电量下降超过 %s kWh：以最大值为准",
			"energyKwh falls by more than %s kWh within one session: the most counts", l.EnergySlack)),
	}
}

// masterRules are those of sessions and stations.
func masterRules(l *Limits) []RuleInfo {
	row := func(id charge.Rule, check sessionCheck, w sentence) RuleInfo {
		return RuleInfo{ID: id, Actions: of(flags), Applies: "sessions", Zh: w.zh, En: w.en, session: check}
	}
	negative := row(charge.RuleSessionNeg, nil, say("结束早于开始", "It ends before it starts"))
	negative.Actions = of(rejects)
	apart := row(charge.RuleVehicleApart, vehicleApart, say(
		"充电期间其车辆（VIN）的位置距站点超过 %s 米；枪报文在充电开始约一分钟后判断一次（要求车辆静止，位置与报文相差不超过 %s）；为保护隐私，每家运营商对每辆车每天只核对一次",
		"The vehicle (VIN) that charges is more than %s m from the station in that time; of pile reports that is looked at "+
			"once, about a minute into charging, if the vehicle stands still and its position is within %s; an operator is "+
			"told once a day and vehicle, so that it cannot search for one",
		l.ApartM, l.CRSFresh))
	apart.Applies = "piles, sessions"
	meta := row(charge.RuleMetaStation, nil, say(
		"在湖中、多于 %s 个枪、额定功率不在 %s–%s kW、公共站无停车或电价信息；报文中没有组织机构代码，故不校验",
		"In the lake, more than %s piles, a rated power not within %s to %s kW, a public station without parking or "+
			"tariff; organization codes do not stand in the payloads and are not checked",
		l.ManyPiles, l.MinRatedKW, l.MaxRatedKW))
	meta.Applies = "stations"
	coverage := row(charge.RuleTariffCoverage, nil, say(
		"电价时段没有恰好覆盖一天一次：价格未知（本平台自加的规则）",
		"The tariff's bands do not cover the day exactly once: the price is unknown (a rule of our own)"))
	coverage.Applies = "stations"
	return []RuleInfo{
		row(charge.RuleEnergyExcess, energyExcess, say(
			"充电量超过额定功率 × 时长 × %s + %s kWh；超过 × %s 且 %s kWh，或超过 %s kWh：不计入补贴和结算",
			"energyKwh above rated power × time × %s + %s kWh; above × %s and %s kWh, or above %s kWh: not counted for "+
				"subsidy and settlement", l.ExcessRated, l.ExcessKWh, l.ExcessGross, l.ExcessFrom, l.ExcessNever)),
		row(charge.RuleEnergyPack, energyPack, say(
			"充电量超过电池容量 × %s ×（枪报文中的 SOC 变化 + %s 个百分点；没有 SOC 时按整个电池）",
			"energyKwh above the battery × %s × (the SOC gained in the pile's reports + %s points; the whole battery where "+
				"they have none)", l.PackFactor, l.PackSlackPts)),
		negative,
		row(charge.RuleSessionZero, sessionZero, say("结束等于开始", "It ends when it starts")),
		row(charge.RuleSessionLong, sessionLong, say(
			"直流超过 %s，交流超过 %s", "Longer than %s at a DC pile, %s at an AC pile", l.LongDC, l.LongAC)),
		row(charge.RuleSessionOverlap, sessionOverlap, say(
			"与同一枪最近两个订单之一的时间重叠", "It overlaps one of the last two sessions at its pile")),
		row(charge.RuleSessionMany, sessionMany, say(
			"同一枪一天（UTC，按结束时间）超过 %s 个订单",
			"More than %s sessions end at the pile in a day (UTC)", l.PerDay)),
		row(charge.RuleSessionLate, sessionLate, say(
			"结束 %s之后才收到；%s之后不计入",
			"Received more than %s after its end; after %s it will not be counted", l.LateBill, l.LostBill)),
		row(charge.RuleNoStatus, noStatus, say(
			"充电量达到 %s kWh，而该枪自开始前到结束一直在线（报文间隔不超过 %s）且从未为充电中",
			"%s kWh or more, but the pile was heard from before it until its end (reports at most %s apart) and never said "+
				"status 3", l.NoStatusKWh, l.HeardGap)),
		apart,
		row(charge.RuleMoneySum, moneySum, say(
			"明细之和与合计相差超过 %s 元，或价格与公布的电价不符（允许差 %[1]s 元加 %[2]s kWh 的电费）",
			"Details and totals differ by more than %s yuan, or what was paid differs from the published tariff by more than "+
				"%[1]s yuan and the price of %[2]s kWh", float64(l.MoneyFen)/100, l.EnergyStep/2)),
		meta, coverage,
	}
}
