// Package failpoint names the places where the program may fail, so that tests can
// make it fail there and nowhere else.
//
//	failpoint.Hit("mention.accepted")          // here the process may end or stand still
//	return failpoint.Err("mention.accept")     // and here it may meet an error too
//	NoSync: failpoint.On("store.no-sync")      // a switch: a mutant, which tests must notice
//
// The program that people run has none of it: without the build tag failpoint the
// functions are empty and vanish, their names with them. With it the variable FP
// says what happens where, in a list with commas:
//
//	FP=mention.accepted:2:exit    the second time that anybody comes by, the process ends
//	FP=media.rename:1:error       the first time, an error
//	FP=store.no-sync              a switch is on (On)
//
// The actions are exit (at once, as by a kill), panic, error (a panic where there is
// only a Hit) and sleep (a minute: long enough to be killed in). A point that has
// acted says so on standard error. A name says where it stands: a verb in the present
// lies before the commit, one in the past after it. The rule is SQLite's:
// let the first, second, third… fail until none is left to fail (HOSTILE, harness 5).
package failpoint

import "errors"

// ErrInjected is wrapped by the errors that points make.
var ErrInjected = errors.New("failpoint")
