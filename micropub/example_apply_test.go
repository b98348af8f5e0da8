package micropub_test

import (
	"fmt"

	"tertulia/mf2"
	"tertulia/micropub"
)

// Apply needs no server.
func ExampleUpdate_Apply() {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"category": {"bread", "draft"}}}
	it, err := micropub.Update{
		Add:    map[string][]any{"category": {"recipe"}},
		Delete: map[string][]any{"category": {"draft"}},
	}.Apply(it)
	fmt.Println(it.Properties["category"], err)
	// Output: [bread recipe] <nil>
}
