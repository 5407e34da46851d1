package report

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// why is a reason to refuse a value.
type why uint8

const (
	notNumber why = iota
	notFinite
	notString
	notTime
	notMoment
	notID
	notVIN
	notLongVIN
	notStatus
	notPark
	notState
	notCharge
	notLevel
	notAlarms
	notShort
	notCRS
	notDegrees
	notObject
	notArray
	notBool
	notName
	notText
	notKind
	notAccess
	notParking
	notClass
	notDistrict
	notHours
	notClock
	notAmount
	notPower
	notEnergy
	notBattery
	notReason
	notMinutes
	notDeep // a part of the value, see Decoder.deep
)

// reasons has the rule and the sentence of each why.
var reasons = [...]struct {
	rule charge.Rule
	text string
}{
	notNumber:  {charge.RuleFieldType, "is not a number"},
	notFinite:  {charge.RuleFieldValue, "is too large for a number"},
	notString:  {charge.RuleFieldType, "is not a string"},
	notTime:    {charge.RuleFieldType, "is not a time: epoch milliseconds as a whole number, or RFC 3339 with a zone"},
	notMoment:  {charge.RuleFieldValue, "is not between the years 1 and 9999"},
	notID:      {charge.RuleFieldValue, "is not 1 to 64 of the characters A-Z a-z 0-9 . _ - (and not . or ..)"},
	notVIN:     {charge.RuleVINCheck, "is not 17 of the characters 0-9 and A-Z without I, O and Q"},
	notLongVIN: {charge.RuleFieldValue, "is not 17 of the characters 0-9 and A-Z without I, O and Q"},
	notStatus:  {charge.RuleStatusUnknown, "is not one of 0, 1, 2, 3, 4, 255"},
	notPark:    {charge.RuleFieldValue, "is not one of 0, 10, 50"},
	notState:   {charge.RuleFieldValue, "is not one of 1, 2, 3"},
	notCharge:  {charge.RuleFieldValue, "is not one of 1, 2, 3, 4"},
	notLevel:   {charge.RuleFieldValue, "is not one of 0, 1, 2, 3, 4"},
	notAlarms:  {charge.RuleFieldValue, "is not a whole number from 0 to 2^63-1"},
	notShort:   {charge.RuleFieldValue, "is not text of the allowed length without control characters"},
	notCRS:     {charge.RuleFieldValue, "is neither wgs84 nor gcj02"},
	notDegrees: {charge.RuleFieldValue, "is not within 180 degrees of longitude and 90 of latitude"},
	notObject:  {charge.RuleFieldType, "is not an object"},
	notArray:   {charge.RuleFieldType, "is not an array"},
	notBool:    {charge.RuleFieldType, "is neither true nor false"},

	notName:     {charge.RuleFieldValue, "has not 1 to 128 characters"},
	notText:     {charge.RuleFieldValue, "has too many characters"},
	notKind:     {charge.RuleFieldValue, "is neither ac nor dc"},
	notAccess:   {charge.RuleFieldValue, "is not one of public, restricted, private: until it is, the station counts as private"},
	notParking:  {charge.RuleFieldValue, "is not one of 0, 1, 2, 3, 255"},
	notClass:    {charge.RuleFieldValue, "is not one of private, taxi, ridehail, bus, logistics, sanitation, other"},
	notDistrict: {charge.RuleFieldValue, "is not an adcode of six digits"},
	notHours:    {charge.RuleFieldValue, "is not of the form HH:MM-HH:MM"},
	notClock:    {charge.RuleFieldValue, "is not a time of day from 00:00 to 24:00"},
	notAmount:   {charge.RuleFieldValue, "is not an amount of yuan from 0 to 100,000,000"},
	notPower:    {charge.RuleFieldValue, "is not within 0 to 100,000 kW"},
	notEnergy:   {charge.RuleFieldValue, "is not within 0 to 1,000,000 kWh"},
	notBattery:  {charge.RuleFieldValue, "is not within 0 to 10,000 kWh"},
	notReason:   {charge.RuleFieldValue, "is not a whole number from 0 to 99"},
	notMinutes:  {charge.RuleFieldValue, "is not a whole number from 0 to 1,000,000"},
}
