package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tertulia/internal/lang"
)

// asker asks whoever sits at the terminal; with no in it takes what is usual.
type asker struct {
	in  io.Reader
	out io.Writer
	l   lang.Lang
}

// tries bounds how often one question is asked.
const tries = 3

// word gives what was said before, else what is answered, else what is usual, as check
// has it.
func (a *asker) word(said, question, usual string, check func(string) (string, error)) (string, error) {
	if said != "" || a.in == nil {
		if said == "" {
			said = usual
		}
		return check(said)
	}
	fmt.Fprintln(a.out, a.l.T(question))
	for range tries {
		fmt.Fprintf(a.out, "[%s] ", usual)
		answer, err := a.line()
		if answer == "" {
			answer = usual
		}
		found, wrong := check(answer)
		if wrong == nil {
			return found, nil
		}
		if err != nil {
			return "", wrong
		}
		fmt.Fprintln(a.out, " ", wrong)
	}
	return "", errors.New("no answer that can be used")
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 10

// line reads one line, and not a byte behind it. The error says that there are no more.
func (a *asker) line() (string, error) {
	var text []byte
	one := make([]byte, 1)
	for len(text) < maxAnswer {
		n, err := a.in.Read(one)
		if n > 0 && one[0] == '\n' {
			break
		}
		text = append(text, one[:n]...)
		if err != nil {
			return strings.TrimSpace(string(text)), err
		}
	}
	return strings.TrimSpace(string(text)), nil
}

// isTerminal tells whether somebody can answer.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
