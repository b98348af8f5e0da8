package syndicate_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/mf2"
)

// leads are the parts of a record's text that lead somewhere, with where.
func leads(t *testing.T, record fields) (found [][2]string) {
	t.Helper()
	text, _ := record["text"].(string)
	list, _ := record["facets"].([]any)
	for _, one := range list {
		index, _ := one.(fields)["index"].(fields)
		start, _ := index["byteStart"].(float64)
		end, _ := index["byteEnd"].(float64)
		features, _ := one.(fields)["features"].([]any)
		feature, _ := features[0].(fields)
		found = append(found, [2]string{text[int(start):int(end)], valueAt(feature, "uri") + valueAt(feature, "did") + valueAt(feature, "tag")})
	}
	return found
}

// Bluesky counts facets in bytes, text in graphemes. T-PO02
func TestBlueskySaysWhatThePostSays(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ana, bea := n.person(t, "ana"), n.person(t, "bea")
		html := func(p syndicate.Post, markup string) syndicate.Post { p.HTML = markup; return p }
		with := func(p syndicate.Post, name string, values ...any) syndicate.Post {
			p.Item = p.Item.Clone()
			p.Item.Properties[name] = values
			return p
		}
		flags, home := strings.Repeat("🇪🇸", 300), [2]string{"ana.example/2026/11/22/nota", "https://ana.example/2026/11/22/nota/"}
		for _, c := range []struct {
			name  string
			post  syndicate.Post
			text  string // "": not looked at
			leads [][2]string
			tags  any
		}{
			{"accents, emoji, an address, a hashtag, a handle", nota("Mañana 👩‍👩‍👧 café: https://ejemplo.es/año?x=1 #educación con @" + bea.Handle + "."),
				"Mañana 👩‍👩‍👧 café: ejemplo.es/año?x=1 #educación con @" + bea.Handle + ".",
				[][2]string{{"ejemplo.es/año?x=1", "https://ejemplo.es/año?x=1"}, {"#educación", "educación"}, {"@" + bea.Handle, bea.DID}}, nil},
			{"words that are links", html(nota("x"), `<p>Lee <a href="https://ejemplo.es/">el artículo de <b>Bea</b></a>.</p><p>¡Ya!</p>`), "Lee el artículo de Bea.\n\n¡Ya!", [][2]string{{"el artículo de Bea", "https://ejemplo.es/"}}, nil},
			{"somebody by the address of the profile", html(nota("x"), `<a href="https://bsky.app/profile/`+bea.Handle+`">@bea</a>, mira`), "@" + bea.Handle + ", mira", [][2]string{{"@" + bea.Handle, bea.DID}}, nil},
			{"a handle of nobody's, and one of another network", nota("@nadie.test y @ana@mastodon.example"), "@nadie.test y @ana@mastodon.example", nil, nil},
			{"categories", with(nota("Pan"), "category", "cocina", "pan y vino", "Pan", "a", "b", "c"), "", [][2]string{{"#cocina", "cocina"}, {"#PanYVino", "PanYVino"}, {"#Pan", "Pan"}, {"#a", "a"}}, []any{"b", "c"}},
			{"exactly 300 graphemes of 1,200 characters", nota(flags), flags, nil, nil},
			{"a grapheme too much", nota(flags + " ¡olé!"), "", [][2]string{home}, nil},
			{"too many bytes", nota(strings.Repeat("👩‍👩‍👧‍👦 ", 149)), "", [][2]string{home}, nil},
			{"too long", nota(strings.Repeat("palabra ", 60)), "", [][2]string{home}, nil},
			{"nothing but a link", nota("https://ejemplo.es/"), "ejemplo.es", [][2]string{{"ejemplo.es", "https://ejemplo.es/"}}, nil},
		} {
			c.post.Key = c.name
			got := ana.copy(t, c.post)
			text, _ := got["text"].(string)
			if c.text != "" && text != c.text {
				t.Errorf("%s: got %q, want %q", c.name, text, c.text)
			}
			if diff := cmp.Diff(c.leads, leads(t, got)); diff != "" {
				t.Errorf("%s: %q leads to %s", c.name, text, diff)
			}
			if diff := cmp.Diff(c.tags, got["tags"]); diff != "" {
				t.Errorf("%s: tags %s", c.name, diff)
			}
		}
		nothing := nota("")
		nothing.Kind, nothing.Item.Properties = "like", map[string][]any{"like-of": {"https://ejemplo.es/"}}
		if _, err := ana.target().Publish(context.Background(), nothing); !errors.Is(err, syndicate.ErrUnsupported) {
			t.Errorf("a like of a page: got %v, want ErrUnsupported", err)
		}
	})
}

// shot is a picture of a size in pixels, and of about so many bytes.
func shot(t *testing.T, alt string, width, height, bytesToo int) syndicate.Photo {
	t.Helper()
	var raw bytes.Buffer
	if err := png.Encode(&raw, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	raw.Write(make([]byte, bytesToo))
	return syndicate.Photo{Alt: alt, Type: "image/png", Open: func(most int64, side int) (io.ReadCloser, error) {
		if most != 1_000_000 || side != 2000 {
			t.Errorf("asked for %d bytes and %d pixels", most, side)
		}
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	}}
}

func TestBlueskyTakesFourPhotosWithTheirWords(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ana := n.person(t, "ana")
		p := nota("Cinco fotos")
		p.Kind = "photo"
		p.Photos = []syndicate.Photo{
			shot(t, "La mesa", 40, 30, 0), shot(t, "", 30, 40, 0), {Open: func(int64, int) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("<html>")), nil
			}}, shot(t, "enorme", 10, 10, 1_000_000), shot(t, "El café", 10, 10, 0), shot(t, "d", 10, 10, 0), shot(t, "e", 10, 10, 0),
		}
		got := ana.copy(t, p)
		embed, _ := got["embed"].(fields)
		images, _ := embed["images"].([]any)
		if embed["$type"] != "app.bsky.embed.images" || len(images) != 4 {
			t.Fatalf("got %v, want four images", embed)
		}
		var alts []any
		for _, one := range images {
			alts = append(alts, one.(fields)["alt"])
		}
		if diff := cmp.Diff([]any{"La mesa", "", "El café", "d"}, alts); diff != "" {
			t.Error("alt", diff)
		}
		if diff := cmp.Diff(fields{"width": 40.0, "height": 30.0}, images[0].(fields)["aspectRatio"]); diff != "" {
			t.Error("aspect ratio", diff)
		}
		if diff := cmp.Diff([][2]string{{"ana.example/2026/11/22/nota", p.Permalink}}, leads(t, got)); diff != "" {
			t.Error("there are more photos at home:", diff)
		}
		p = nota("Sin palabras")
		p.Kind, p.Item.Properties, p.Photos = "photo", nil, p.Photos[:0]
		p.Photos = append(p.Photos, shot(t, "Un gato", 8, 8, 0))
		if got := ana.copy(t, p); got["text"] != "" || got["embed"] == nil {
			t.Errorf("a photo without words: got %v", got)
		}
		broken := nota("rota")
		broken.Photos = []syndicate.Photo{{Open: func(int64, int) (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }}}
		if _, err := ana.target().Publish(context.Background(), broken); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a photo that cannot be read: got %v", err)
		}
	})
}

func TestBlueskyShowsArticlesAndBookmarksAsCards(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ana, bea := n.person(t, "ana"), n.person(t, "bea")
		p := nota("artículo")
		p.Kind, p.Summary, p.Photos = "article", "De qué va, en una frase.", []syndicate.Photo{shot(t, "portada", 16, 9, 0)}
		p.Item = mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"name": {"La casa <propia>"}, "content": {"Mucho texto"}}}
		got := ana.copy(t, p)
		embed, _ := got["embed"].(fields)
		card, _ := embed["external"].(fields)
		if card["thumb"] == nil || card["uri"] != p.Permalink || card["title"] != "La casa <propia>" || card["description"] != p.Summary {
			t.Errorf("article: got %v", got)
		}
		if text, _ := got["text"].(string); !strings.HasPrefix(text, "La casa <propia>") || strings.Contains(text, "Mucho") {
			t.Errorf("article: got %q", text)
		}
		p = nota("Léelo")
		p.Kind = "bookmark"
		p.Item.Properties["bookmark-of"] = []any{"https://ejemplo.es/largo"}
		got = ana.copy(t, p)
		embed, _ = got["embed"].(fields)
		if diff := cmp.Diff(fields{"uri": "https://ejemplo.es/largo", "title": "ejemplo.es", "description": ""}, embed["external"]); diff != "" {
			t.Errorf("bookmark: %s", diff)
		}
		p.Key, p.ReplyTo, p.Photos = "cita", bea.write(t, bskyPost, "", fields{"text": "Cítame"}), []syndicate.Photo{shot(t, "a", 4, 4, 0)}
		got = ana.copy(t, p)
		embed, _ = got["embed"].(fields)
		if record, _ := embed["record"].(fields); embed["$type"] != "app.bsky.embed.recordWithMedia" || cmp.Diff(strong(p.ReplyTo), record["record"]) != "" {
			t.Errorf("a bookmark of a post there, with a photo: got %v", embed)
		}
	})
}
