package lang_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
)

func TestWordsOfSomebodysOwn(t *testing.T) {
	own, wrong := es.Saying(map[string]any{
		"conversation.title": "Charla",
		"conversation":       map[string]any{"replies": map[string]any{"one": "un comentario", "other": "{n} comentarios"}, "via": "por {1}"},
		"conversation.likes": "{n} corazones",
	})
	if len(wrong) > 0 {
		t.Errorf("got %v", wrong)
	}
	for _, c := range []struct{ got, want string }{
		{own.T("conversation.title"), "Charla"},
		{own.T("conversation.via", "Mastodon"), "por Mastodon"},
		{own.N("conversation.replies", 1), "un comentario"},
		{own.N("conversation.replies", 2), "2 comentarios"},
		{own.N("conversation.replies", 2_000_000), "2.000.000 comentarios"},
		{own.N("conversation.likes", 1), "1 corazones"},
		{own.T("conversation.empty"), es.T("conversation.empty")},
		{own.Tag(), "es"},
		{es.T("conversation.title"), "Conversación"}, // nobody else's have changed
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if own == es {
		t.Error("it is another language")
	}
}

func TestMistakesInWordsAreTold(t *testing.T) {
	own, wrong := lang.For("en").Saying(map[string]any{
		"conversation.titel":   "x",
		"conversation.title":   " ",
		"conversation.via":     "via {2}",
		"conversation.by":      7,
		"conversation.someone": map[string]any{"one": "x", "other": "y"},
		"conversation.replies": map[string]any{"one": "x"},
		"conversation.all":     map[string]any{"many": "x", "other": "y"},
		"conversation.empty":   "Silence.",
	})
	want := []lang.Mistake{
		{Key: "conversation.all", What: `it has no form "many", only: one, other`},
		{Key: "conversation.by", What: `it must be a text, or a table of its plural forms with "other" among them`},
		{Key: "conversation.replies.one", What: "there is no such sentence", Nil: true},
		{Key: "conversation.someone", What: `it has no form "one", only: other`},
		{Key: "conversation.titel", What: "there is no such sentence", Nil: true},
		{Key: "conversation.title", What: "it is empty"},
		{Key: "conversation.via", What: "nothing stands for {2} in it"},
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if own.T("conversation.empty") != "Silence." || own.T("conversation.title") != "Conversation" {
		t.Error("what is wrong is left out, and nothing else")
	}
}
