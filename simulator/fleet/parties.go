package fleet

import (
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Party is one operator or maker of the simulated city.
type Party struct {
	Slug   string
	Kind   charge.PartyKind
	Name   string // Chinese
	NameEn string
	OrgID  string // operators: 9-character organization code (GB 11714); "" for makers
}

// Parties returns the 22 operators, then the 18 makers, in the order of the
// shares' table; the index of a party is what [Sink] is given.
func Parties() []Party {
	out := make([]Party, 0, len(operators)+len(makers))
	for _, o := range operators {
		out = append(out, Party{o.slug, charge.Operator, o.name, o.nameEn, o.orgID})
	}
	for _, m := range makers {
		out = append(out, Party{m.slug, charge.Maker, m.name, m.nameEn, ""})
	}
	return out
}

// PartyIndex returns the index of a slug in [Parties], or -1.
func PartyIndex(slug string) int {
	return slices.IndexFunc(Parties(), func(p Party) bool { return p.Slug == slug })
}

// slugs names all parties.
func slugs() string {
	var out []string
	for _, p := range Parties() {
		out = append(out, p.Slug)
	}
	return strings.Join(out, ", ")
}

// site is what kind of place an operator builds.
type site uint8

const (
	siteMixed   site = iota // public stations and private piles
	siteFuel                // public stations with DC piles only, no private piles
	siteDepot               // its own depots: restricted
	siteHighway             // expressway service areas
)

// operator is one row of the operators' table; share is per mille of all piles.
type operator struct {
	slug, name, nameEn, short, orgID string
	share                            int
	site                             site
}

// operators are the 22 of the domain page. IDs that begin with MAKM are made
// up for the simulator; 101437000 circulates with a wrong check character.
var operators = [...]operator{
	{"teld", "特来电", "TELD", "特来电", "395815801", 160, siteMixed},
	{"starcharge", "星星充电", "Star Charge", "星星", "313744932", 150, siteMixed},
	{"ynei", "云南能投", "Yunnan Energy Investment", "能投", "MAKM00038", 110, siteMixed},
	{"dzhn", "滇中汇能", "Dianzhong Huineng", "汇能", "MAKM00046", 60, siteMixed},
	{"csg", "南方电网·云南电网", "China Southern Grid", "南网", "MA5DT8Q54", 110, siteMixed},
	{"ykc", "云快充", "YKC", "云快充", "MA1MY0GF9", 90, siteMixed},
	{"xiaoju", "小桔充电", "Xiaoju", "小桔", "101437000", 60, siteMixed},
	{"sgcc", "国家电网", "State Grid EV", "国网", "MA002TMQX", 20, siteMixed},
	{"ewei", "依威能源", "E-Wei", "依威", "320513112", 30, siteMixed},
	{"wanma", "万马爱充", "Wanma", "爱充", "321895837", 25, siteMixed},
	{"potevio", "普天新能源", "Potevio", "普天", "565843400", 20, siteMixed},
	{"niopower", "蔚来能源", "NIO Power", "蔚来", "MA4KUHJ97", 20, siteMixed},
	{"xpengpower", "小鹏超充", "XPeng", "小鹏", "MA59CU773", 8, siteMixed},
	{"anyo", "安悦充电", "Anyo (SAIC)", "安悦", "MA1FP0228", 15, siteMixed},
	{"wcwc", "万城万充", "Wancheng", "万城", "MA59J8YL8", 10, siteMixed},
	{"cdcaptain", "充电队长", "CD Captain", "充电队长", "074842972", 7, siteMixed},
	{"teslapower", "特斯拉", "Tesla charging", "特斯拉", "MAKM00177", 10, siteMixed},
	{"sinopec", "中石化", "Sinopec", "中石化", "MAKM00185", 20, siteFuel},
	{"petrochina", "中石油", "PetroChina", "中石油", "MAKM00193", 25, siteFuel},
	{"shell", "壳牌", "Shell Recharge", "壳牌", "MAKM00206", 5, siteFuel},
	{"kmbus", "昆明公交", "Kunming Bus depots", "公交", "MAKM00214", 25, siteDepot},
	{"ynjt", "云南交投", "expressway service areas", "交投", "MAKM00222", 20, siteHighway},
}

// maker is one row of the makers' table. mix is per mille of all vehicles by
// class; the rows add up to the makers' shares, the columns to the classes'.
type maker struct {
	slug, name, nameEn string
	vin                string // WMI and vehicle descriptor, positions 1-8
	models             [2]string
	mix                mix
}

// mix counts by class, in the order of classes.
type mix struct{ private, taxi, ridehail, bus, logistics, sanitation int }

func (m mix) list() [6]int {
	return [6]int{m.private, m.taxi, m.ridehail, m.bus, m.logistics, m.sanitation}
}

var makers = [...]maker{
	{"baic", "北汽", "BAIC BJEV", "LNBMDBAH", [2]string{"EU5", "EX3"}, mix{private: 60, taxi: 15, ridehail: 15}},
	{"jmc", "江铃", "JMC", "LEFADBB1", [2]string{"E路顺", "EV3"}, mix{private: 20, logistics: 40}},
	{"kmkc", "昆明客车", "Kunming Bus Mfg", "LA9GBCA6", [2]string{"KK6101", "KK6850"}, mix{bus: 15}},
	{"nio", "蔚来", "NIO", "LJ1EEAUU", [2]string{"ES6", "ET5"}, mix{private: 45}},
	{"byd", "比亚迪", "BYD", "LGXCE4CB", [2]string{"秦PLUS", "e6"}, mix{private: 186, taxi: 12, ridehail: 30, bus: 2}},
	{"wuling", "上汽通用五菱", "SGMW", "LZWADAGA", [2]string{"宏光MINI", "缤果"}, mix{private: 97, logistics: 13}},
	{"tesla", "特斯拉", "Tesla Shanghai", "LRW3E7FS", [2]string{"Model 3", "Model Y"}, mix{private: 60}},
	{"geely", "吉利", "Geely", "LB377F2Z", [2]string{"几何A", "银河E5"}, mix{private: 48, ridehail: 12}},
	{"aion", "广汽埃安", "GAC Aion", "LNAA2AA1", [2]string{"AION S", "AION Y"}, mix{private: 32, taxi: 8, ridehail: 20}},
	{"changan", "长安", "Changan", "LS5A3ABE", [2]string{"逸动EV", "深蓝SL03"}, mix{private: 43, ridehail: 7}},
	{"chery", "奇瑞", "Chery", "LVVDB11B", [2]string{"小蚂蚁", "开瑞优优"}, mix{private: 35, logistics: 5}},
	{"saic", "上汽", "SAIC Roewe/MG", "LSJE2409", [2]string{"Ei5", "MG4"}, mix{private: 34, ridehail: 6}},
	{"xpeng", "小鹏", "XPeng", "L1NSPGHB", [2]string{"P7", "G6"}, mix{private: 30}},
	{"li", "理想", "Li Auto", "LW433B12", [2]string{"L7", "L9"}, mix{private: 25}},
	{"leap", "零跑", "Leapmotor", "LFZ63AX5", [2]string{"C11", "T03"}, mix{private: 25}},
	{"dongfeng", "东风", "Dongfeng", "LGJE13EA", [2]string{"EM19", "E70"}, mix{taxi: 5, logistics: 18, sanitation: 2}},
	{"yutong", "宇通", "Yutong", "LZYTBTE6", [2]string{"E10", "环卫18T"}, mix{bus: 8, sanitation: 12}},
	{"foton", "福田", "Foton", "LVBV3JBB", [2]string{"智蓝", "欧马可"}, mix{logistics: 14, sanitation: 1}},
}

// quota splits n by weights so that the parts add up to n: the largest
// remainders are rounded up, the earlier of equals first.
func quota(n int, weights []int) []int {
	total := 0
	for _, w := range weights {
		total += w
	}
	out := make([]int, len(weights))
	if total == 0 {
		return out
	}
	order := make([]int, len(weights))
	left := n
	for i, w := range weights {
		order[i] = i
		out[i] = n * w / total
		left -= out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return n*weights[b]%total - n*weights[a]%total })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}
