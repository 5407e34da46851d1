package api

import "strings"

// Columns that several resources have.
const (
	pileCountColumns    = " piles.total piles.free piles.inUse piles.charging piles.reserved piles.fault piles.offline"
	vehicleCountColumns = " vehicles.total vehicles.online vehicles.driving vehicles.charging vehicles.alarm"
)

func columns(list string) []string { return strings.Fields(list) }

// The tables of the list resources.
var (
	operatorSheet = &sheet{name: "operators", list: "operators",
		columns: columns("id name nameEn stations" + pileCountColumns + " powerKw lastReportAt")}
	makerSheet = &sheet{name: "makers", list: "makers",
		columns: columns("id name nameEn" + vehicleCountColumns + " lastReportAt")}
	districtSheet = &sheet{name: "districts", list: "districts",
		columns: columns("id name nameEn stations" + pileCountColumns + " powerKw" + vehicleCountColumns + " lastReportAt")}
	stationSheet = &sheet{name: "stations", list: "stations", geometry: atPoint, paged: true,
		columns: columns("id operator name nameEn lon lat access maxKw distanceM" + pileCountColumns + ` match
			price.nowYuanPerKwh price.energyYuanPerKwh price.serviceYuanPerKwh price.until price.nextYuanPerKwh
			parking.type parking.text parking.yuanPerHour parking.freeMinutes updatedAt`)}
	rankSheet = &sheet{name: "rank-stations", list: "stations", geometry: atPoint,
		columns: columns("id operator name nameEn lon lat access maxKw district" + pileCountColumns + " updatedAt")}
	vehicleSheet = &sheet{name: "vehicles", list: "vehicles", geometry: atPoint,
		columns: columns("vin maker class lon lat online speedKmh socPct state charge alarmLevel updatedAt")}
	heatSheet = &sheet{name: "heatmap", list: "cells", geometry: inCell, read: readHeat,
		columns: columns("cell value lon lat")}
	cellSheet = &sheet{name: "cells", list: "cells", geometry: inCell, read: readCells,
		columns: columns("cell lon lat wkt")}
	historySheet = &sheet{name: "history", list: "rows"}
	trackSheet   = &sheet{name: "history", list: "rows", geometry: atPoint}
	sessionSheet = &sheet{name: "sessions", list: "sessions",
		columns: columns(`id pile startTs endTs energyKwh vin energyYuan serviceYuan parkingYuan totalYuan stopReason bands`)}
	alarmSheet = &sheet{name: "alarms", list: "alarms", paged: true,
		columns: columns(`id rule severity state party kind object station title.zh title.en detail.zh detail.en do.zh do.en
			level alarms count lastKnown since raisedAt updatedAt ackedAt ackedBy note clearedAt reason`)}
	qualitiesSheet = &sheet{name: "quality", list: "parties", columns: qualityColumns}
	rulesSheet     = &sheet{name: "rules", list: "rules",
		columns: columns("id action count firstAt lastAt zh en mend.zh mend.en fields samples")}
	qualitySheet = &sheet{name: "quality", list: "party", columns: qualityColumns}
)

var qualityColumns = columns(`id kind name nameEn lastReportAt sample
	account.received account.taken account.duplicate account.history account.rejected
	timeliness.reports timeliness.p50S timeliness.p50RangeS timeliness.p95S timeliness.p95RangeS timeliness.p99S timeliness.p99RangeS
	timeliness.limitS timeliness.withinLimitPct
	missing.cadenceS missing.expected missing.missing missing.ratePct
	flagged.kept flagged.flagged flagged.ratePct flagged.accuracyPct nulls.values nulls.ratePct online.rows online.ratePct
	grade.grade grade.score grade.reason.zh grade.reason.en grade.components rules`)
