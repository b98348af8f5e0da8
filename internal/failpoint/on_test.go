//go:build failpoint

package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain plays the program that fails, when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("FP") == "" {
		os.Exit(m.Run())
	}
	for i := 1; i <= 3; i++ {
		print("before ", i, "\n")
		Hit("other")
		if err := Err("here"); err != nil {
			print(err.Error(), " ", errors.Is(err, ErrInjected), "\n")
		}
		print("after ", i, "\n")
	}
	print("on ", On("switch"), " ", On("here"), " ", On("none"), "\n")
	os.Exit(0)
}

// A point acts the Nth time that somebody comes by, and only then.
func TestPoints(t *testing.T) {
	const all = "before 1\nafter 1\nbefore 2\nafter 2\nbefore 3\nafter 3\non false false false\n"
	cases := []struct {
		fp   string
		code int
		want string
	}{
		{"none:1:exit", 0, all},
		{"here:4:exit", 0, all},
		{"switch", 0, strings.Replace(all, "on false", "on true", 1)},
		{"here:2:exit", ExitCode, "before 1\nafter 1\nbefore 2\nfailpoint here:2:exit\n"},
		{"here:2:error", 0, strings.Replace(all, "after 2", "failpoint here:2:error\nfailpoint here true\nafter 2", 1)},
		{"none:1:exit,here:1:panic", 2, "before 1\nfailpoint here:1:panic\npanic: "},
		{"other:3:error", 2, "before 1\nafter 1\nbefore 2\nafter 2\nbefore 3\nfailpoint other:3:error\npanic: "},
		{"here:0:exit", 2, "before 1\nfailpoint: \"here:0:exit\": want NAME:N:ACTION with N from 1\n"},
		{"here:1:stumble", 2, "before 1\nfailpoint: \"here:1:stumble\": there is no action \"stumble\", only exit, panic, error and sleep\n"},
	}
	for _, c := range cases {
		t.Run(c.fp, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "FP="+c.fp)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			code := 0
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			got := string(out)
			if code != c.code || got != c.want && !(strings.HasSuffix(c.want, "panic: ") && strings.HasPrefix(got, c.want)) {
				t.Errorf("FP=%s: got exit status %d and\n%s\nwant %d and\n%s", c.fp, code, got, c.code, c.want)
			}
		})
	}
}
