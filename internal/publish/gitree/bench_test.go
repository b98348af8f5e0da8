package gitree_test

import (
	"fmt"
	"testing"
)

func BenchmarkApply(b *testing.B) {
	r := cloned(b, bare(b, "a.md", "a"))
	for i := 0; b.Loop(); i++ {
		must(b, apply(b.Context(), r, "Post", fmt.Sprintf("posts/%d.md", i), "text"))
	}
}
