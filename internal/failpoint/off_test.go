//go:build !failpoint

package failpoint_test

import (
	"os/exec"
	"testing"

	"tertulia/internal/failpoint"
)

// Without the build tag nothing fails, whatever the environment says.
func TestNothingFailsWithoutTheTag(t *testing.T) {
	t.Setenv("FP", "here:1:panic,switch")
	failpoint.Hit("here")
	if err := failpoint.Err("here"); err != nil || failpoint.On("switch") {
		t.Errorf("got %v and %t, want nothing", err, failpoint.On("switch"))
	}
}

// With it they do: the other tests of this package.
func TestWithTheTag(t *testing.T) {
	if out, err := exec.Command("go", "test", "-tags", "failpoint", ".").CombinedOutput(); err != nil {
		t.Errorf("go test -tags failpoint: %v\n%s", err, out)
	}
}
