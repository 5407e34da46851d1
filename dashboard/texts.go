package dashboard

// texts are the words of the plain pages by language tag. Both languages name
// the same keys; a test holds them together.
var texts = map[string]map[string]string{
	"zh-CN": {
		"deskTitle": "数据工作台", "deskText": "本程序没有带网页文件。单位可用自己的令牌从接口读取同样的数据:",
		"deskMore":  "全部接口和示例见",
		"cityTitle": "充电设施实时概况", "stationsTitle": "附近充电站", "missingTitle": "没有这个页面",
		"missingText": "地址可能写错了，或页面已经移走。", "other": "English", "otherLang": "en",
		"toCity": "全市概况", "toStations": "附近充电站", "full": "完整页面需要 JavaScript；这里是同样的数字。",
		"asOf": "数据更新于", "never": "尚无数据", "noRow": "暂无数据。", "noStation": "20 公里内没有符合条件的充电站。",
		"piles": "充电桩", "free": "空闲", "inUse": "使用中", "charging": "充电中", "reserved": "预约",
		"fault": "故障", "offline": "离线", "vehicles": "车辆", "online": "在线", "driving": "行驶中",
		"total": "总数", "power": "充电功率", "stations": "充电站", "operators": "运营商", "makers": "车企",
		"operator": "运营商", "onlineRate": "在线率", "rank": "序", "start": "出发地", "onlyFree": "只看有空闲的",
		"show": "查看", "station": "充电站", "distance": "距离", "maxKw": "最大功率", "price": "电价",
		"pricePer": "元/千瓦时，含服务费", "unknown": "未知", "next": "{t} 起", "parking": "停车", "ask": "请到站询问",
		"updated": "更新", "secAgo": "{n} 秒前", "minAgo": "{n} 分钟前", "hourAgo": "{n} 小时前", "dayAgo": "{n} 天前",
		"m": "米", "km": "公里", "parkFree": "免费", "parkPaid": "收费", "parkLimited": "限时免费", "parkReduced": "充电减免",
		"freeMin": "前 {n} 分钟免费", "perHour": "{y}/小时", "freeOf": "空闲 / 总数", "noPlace": "没有设置出发地。",
	},
	"en": {
		"deskTitle": "Data desk",
		"deskText":  "This program carries no built pages. With its token a party reads the same figures from the interface:",
		"deskMore":  "Every address, with examples:",
		"cityTitle": "Charging in the city now", "stationsTitle": "Charging nearby", "missingTitle": "No such page",
		"missingText": "The address may be mistyped, or the page has moved.", "other": "中文", "otherLang": "zh-CN",
		"toCity": "The whole city", "toStations": "Charging nearby",
		"full": "The full pages need JavaScript; these are the same figures.",
		"asOf": "Data from", "never": "no data yet", "noRow": "No data yet.",
		"noStation": "No station within 20 km fits.",
		"piles":     "Piles", "free": "free", "inUse": "in use", "charging": "charging", "reserved": "reserved",
		"fault": "fault", "offline": "offline", "vehicles": "Vehicles", "online": "online", "driving": "driving",
		"total": "total", "power": "Charging power", "stations": "Stations", "operators": "Operators", "makers": "Makers",
		"operator": "Operator", "onlineRate": "Online", "rank": "No.", "start": "Start from", "onlyFree": "Free now only",
		"show": "Show", "station": "Station", "distance": "Distance", "maxKw": "Up to", "price": "Price",
		"pricePer": "yuan/kWh, service fee included", "unknown": "unknown", "next": "from {t}",
		"parking": "Parking", "ask": "ask on site",
		"updated": "Updated", "secAgo": "{n} s ago", "minAgo": "{n} min ago", "hourAgo": "{n} h ago", "dayAgo": "{n} d ago",
		"m": "m", "km": "km", "parkFree": "free", "parkPaid": "paid", "parkLimited": "free for a time", "parkReduced": "reduced while charging",
		"freeMin": "first {n} min free", "perHour": "{y}/h", "freeOf": "Free / total", "noPlace": "No starting place is set.",
	},
}
