package lang

import (
	"strconv"
	"time"
)

var monthsES = [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio",
	"agosto", "septiembre", "octubre", "noviembre", "diciembre"}

// Day is the calendar day of t in t's own time zone: "21 de noviembre de 2026",
// "21 November 2026".
func (l Lang) Day(t time.Time) string {
	if l.spanish {
		return strconv.Itoa(t.Day()) + " de " + l.Month(t)
	}
	return strconv.Itoa(t.Day()) + " " + l.Month(t)
}

// Month is the month of t with its year: "noviembre de 2026", "November 2026".
func (l Lang) Month(t time.Time) string {
	if l.spanish {
		return monthsES[t.Month()-1] + " de " + strconv.Itoa(t.Year())
	}
	return t.Month().String() + " " + strconv.Itoa(t.Year())
}

// Date is day and minute of t in t's own time zone: "21 de noviembre de 2026, 18:05".
// The zone is not written: convert t to the reader's or the site's first.
func (l Lang) Date(t time.Time) string { return l.Day(t) + ", " + t.Format("15:04") }

// Ago says how long before now t was: "hace 2 horas", "ayer", "3 days ago". Days
// are calendar days in now's time zone. What is a week or more away, or still to
// come by more than a minute, is given as its [Lang.Day].
func (l Lang) Ago(t, now time.Time) string {
	t = t.In(now.Location())
	gone := now.Sub(t)
	days := daysBetween(t, now)
	switch {
	case gone < -time.Minute || days >= 7:
		return l.Day(t)
	case gone < time.Minute:
		return l.T("ago.now")
	case gone < time.Hour:
		return l.N("ago.minutes", int(gone/time.Minute))
	case days == 0 || gone < 6*time.Hour:
		return l.N("ago.hours", int(gone/time.Hour))
	case days == 1:
		return l.T("ago.yesterday")
	}
	return l.N("ago.days", days)
}

// daysBetween counts the midnights from a to b, both in the same time zone. It
// counts on calendar dates, since a day with a clock change has 23 or 25 hours.
func daysBetween(a, b time.Time) int {
	midnight := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(b).Sub(midnight(a)) / (24 * time.Hour))
}
