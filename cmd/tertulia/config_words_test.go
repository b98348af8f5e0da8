package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The owner's own words for readers: a name that does not exist is an error with a hint.
func TestStringsOfTheConversation(t *testing.T) {
	site := "[[site]]\nurl='https://a.example/'\n[site.conversation.strings.es]\n"
	for text, want := range map[string][]string{
		"'conversation.titel' = 'x'":     {"site.conversation.strings.es.conversation.titel: there is no such sentence (did you mean conversation.title?)"},
		"'title' = 'x'":                  {"site.conversation.strings.es.title: there is no such sentence (did you mean conversation.title?)"},
		"conversation.via = 'por {2}'":   {"site.conversation.strings.es.conversation.via: nothing stands for {2} in it (the usual one is: vía {1})"},
		"conversation.title = ''":        {"site.conversation.strings.es.conversation.title: it is empty (the usual one is: Conversación)"},
		"conversation.form.x = 'Hola'":   {"site.conversation.strings.es.conversation.form.x: there is no such sentence (there are: conversation.form.hint, conversation.form.label, conversation.form.send)"},
		"zzzzzzzzzzzzzzz = 'Hola'":       {`site.conversation.strings.es.zzzzzzzzzzzzzzz: there is no such sentence (write it like "conversation.title")`},
		"[site.conversation.strings.fr]": {"site.conversation.strings.fr: there is no such language (one of: en, es)"},
	} {
		got := faults(t, site+text, nil)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	set := load(t, "[[site]]\nurl='https://a.example/'\n[site.conversation.strings.en]\n'conversation.title' = 'Chat'\n", nil)
	if got := set.Sites[0].Conversation.words()[0].T("conversation.title"); got != "Chat" {
		t.Errorf("got %q", got)
	}
}
