package charge

import (
	"errors"
	"fmt"
)

// Code is a stable error code; clients may rely on it.
type Code string

// Codes that reach clients. api/problem.go alone turns them into a status.
const (
	Internal           Code = "internal"
	NotFound           Code = "not-found"
	TokenUnknown       Code = "token-unknown"
	RoleMissing        Code = "role-missing"
	ValueRange         Code = "value-range"
	RangeTooLarge      Code = "range-too-large"
	HistoryUnavailable Code = "history-unavailable"
	BoxTooLarge        Code = "box-too-large"
	NotReady           Code = "not-ready"
	RateLimited        Code = "rate-limited"
	Conflict           Code = "conflict"
	MomentMissing      Code = "moment-missing"
)

// Error is an error with a stable code and a sentence that may be shown.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return e.Text }

// Errorf returns an error with a stable code.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// CodeOf returns err's code, or Internal when it carries none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
