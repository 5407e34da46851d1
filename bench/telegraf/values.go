package main

import (
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/quality"
)

// batch is how many reports a message has, as the contract recommends.
const batch = 50

// tenths appends v/10 with one decimal.
func tenths(dst []byte, v int64) []byte {
	dst = strconv.AppendInt(dst, v/10, 10)
	return append(dst, '.', byte('0'+v%10))
}

// change is how often the values of object n have changed by round r: in a
// city's mix only one report of five brings something new.
func change(n, r int, city bool) int64 {
	if city {
		return int64((r + n%5) / 5)
	}
	return int64(r)
}

func appendPileID(dst []byte, n int) []byte {
	return strconv.AppendInt(append(dst, 'P', '-'), int64(n), 10)
}

// appendPile appends what pile n reports: it charges, power, voltage and current
// agree, and the meter goes on, so that no report repeats the one before it.
// It returns the meter in tenths too, of which the sum is compared at the end.
func appendPile(dst []byte, n int, at, step int64) ([]byte, int64) {
	power, volt := 300+(int64(n)*37+step*11)%700, 3600+int64(n)%400
	meter := 100_000 + int64(n)%50_000 + step
	dst = append(appendPileID(append(dst, `{"id":"`...), n), `","ts":`...)
	dst = append(strconv.AppendInt(dst, at, 10), `,"status":3,"powerKw":`...)
	dst = append(tenths(dst, power), `,"voltageV":`...)
	dst = append(tenths(dst, volt), `,"currentA":`...)
	dst = append(tenths(dst, power*10_000/volt), `,"socPct":`...)
	dst = append(strconv.AppendInt(dst, 20+int64(n)%50+step/20, 10), `,"energyKwh":`...)
	dst = append(tenths(dst, 50+step), `,"meterKwh":`...)
	dst = append(tenths(dst, meter), `,"session":"A`...)
	dst = append(strconv.AppendInt(dst, int64(n), 10), `","parkStatus":50,"lockStatus":50}`...)
	return dst, meter
}

// appendVehicle appends what the vehicle with a VIN reports: it drives at about
// 40 km/h. It returns the mileage in tenths of km.
func appendVehicle(dst []byte, vin string, n int, at, step int64) ([]byte, int64) {
	odometer := 200_000 + int64(n)%100_000 + step
	dst = append(append(append(dst, `{"vin":"`...), vin...), `","ts":`...)
	dst = append(strconv.AppendInt(dst, at, 10), `,"lon":102.`...)
	dst = append(strconv.AppendInt(dst, 650_000+(int64(n)*7)%90_000+step*20, 10), `,"lat":25.0`...)
	dst = append(strconv.AppendInt(dst, 10_000+(int64(n)*3)%70_000+step*10, 10), `,"speedKmh":`...)
	dst = append(tenths(dst, 350+(int64(n)+step*3)%100), `,"odometerKm":`...)
	dst = append(tenths(dst, odometer), `,"socPct":`...)
	dst = append(strconv.AppendInt(dst, 80-int64(n)%40-step/20, 10), `,"voltageV":`...)
	dst = append(tenths(dst, 3500+int64(n)%300), `,"currentA":`...)
	dst = append(tenths(dst, 200+(int64(n)+step*7)%300), `,"state":1,"charge":3,"alarmLevel":0,"alarms":0,"rangeKm":`...)
	dst = append(strconv.AppendInt(dst, 300-int64(n)%100-step/10, 10), `,"insulationKohm":1200}`...)
	return dst, odometer
}

// vinOf returns vehicle n's VIN with the right check character.
func vinOf(n int) string {
	b := []byte("LBENCH12?PA000000")
	for i := len(b) - 1; n > 0; i, n = i-1, n/10 {
		b[i] = byte('0' + n%10)
	}
	for _, c := range "0123456789X" {
		b[8] = byte(c)
		if _, ok := quality.CheckVIN(string(b)); ok {
			break
		}
	}
	return string(b)
}

// stationPiles is how many piles a station of the bench has.
const stationPiles = 100

// appendStation appends station s with its piles.
func appendStation(dst []byte, s int) []byte {
	dst = strconv.AppendInt(append(dst, `{"id":"S`...), int64(s), 10)
	dst = append(dst, `","name":"站","lon":102.71,"lat":25.04,"piles":[`...)
	for k := range stationPiles {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendPileID(append(dst, `{"id":"`...), s*stationPiles+k), `","kind":"dc","ratedKw":120}`...)
	}
	return append(dst, `]}`...)
}
