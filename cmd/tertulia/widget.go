package main

import (
	"context"
	"encoding/json"
	"fmt"

	"tertulia/internal/web"
)

// widget prints what the pages of a site that something else serves need to show their
// conversations: for any version of the service, and bound to this one.
func widget(_ context.Context, c call) error {
	e := web.Embed(c.site.Base)
	if c.flags.json {
		return json.NewEncoder(c.io.out).Encode(e)
	}
	_, err := fmt.Fprintf(c.io.out, `<tertulia-conversation></tertulia-conversation>
<script src="%s" defer></script>
<!-- <script src="%s" integrity="%s" crossorigin="anonymous" defer></script> -->
<!-- Content-Security-Policy: %s -->
`, e.Widget, e.Script, e.Integrity, e.Policy)
	return err
}
