package syndicate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

func mastodon(m *faketest.Mastodon) func() subject {
	return func() subject {
		m := &faketest.Mastodon{Host: "social.example", Token: "t0ken-of-ana", Version: m.Version, ForgetsKeys: m.ForgetsKeys, OldMedia: m.OldMedia, Characters: m.Characters}
		account := func(token string) func(*http.Client) syndicate.Target {
			return func(c *http.Client) syndicate.Target {
				return &syndicate.Mastodon{Client: c, Server: "https://social.example", Token: token}
			}
		}
		return subject{host: m.Host, door: &faketest.Door{Next: m}, secret: m.Token, target: account(m.Token), wrong: account("t0ken-of-ana-old"), json: true,
			copies: func() (all []string) {
				for _, s := range m.Statuses() {
					all = append(all, s.Text)
				}
				return all
			},
			remove: func(ref syndicate.Ref) { m.Remove(ref.ID) },
			makes:  faketest.Fault{Method: "POST", Path: "/api/v1/statuses"}}
	}
}

func TestTargetsKeepTheContract(t *testing.T) {
	for name, make := range map[string]func() subject{
		"Mastodon":   mastodon(&faketest.Mastodon{}),
		"GoToSocial": mastodon(&faketest.Mastodon{Version: "0.19.1", ForgetsKeys: true, Characters: 5000}),
		"Pleroma":    mastodon(&faketest.Mastodon{Version: "2.7.2 (compatible; Pleroma 2.9.1)", OldMedia: true}),
		"Micropub": func() subject {
			m := &faketest.Micropub{Host: "blog.example", Token: "t0ken-of-blog", Listing: true}
			blog := func(token string) func(*http.Client) syndicate.Target {
				return func(c *http.Client) syndicate.Target {
					return &syndicate.Micropub{Client: c, Endpoint: "https://blog.example/micropub", Token: token}
				}
			}
			return subject{host: m.Host, door: &faketest.Door{Next: m}, secret: m.Token, target: blog(m.Token), wrong: blog("t0ken-of-blog-old"),
				copies: func() (all []string) {
					for _, p := range m.Posts() {
						all = append(all, p.Properties["content"][0].(map[string]any)["html"].(string))
					}
					return all
				},
				remove: func(ref syndicate.Ref) { m.Remove(ref.ID) }, makes: faketest.Fault{Method: "POST", Path: "/micropub"}}
		},
		"Telegram": func() subject {
			m := &faketest.Telegram{Token: "123:secret", Channel: "@anaescribe", Title: "Ana escribe"}
			bot := func(token string) func(*http.Client) syndicate.Target {
				return func(c *http.Client) syndicate.Target {
					return &syndicate.Telegram{Client: c, Token: token, Channel: "@anaescribe"}
				}
			}
			return subject{host: "api.telegram.org", door: &faketest.Door{Next: m}, secret: m.Token, target: bot(m.Token), wrong: bot("123:secret-old"), json: true,
				copies: func() (all []string) {
					for _, message := range m.Messages() {
						all = append(all, message.HTML)
					}
					return all
				},
				remove: func(syndicate.Ref) { m.Clear() }, makes: faketest.Fault{Method: "POST", Path: "/send"}}
		},
		"IndieNews": func() subject {
			m := &faketest.IndieNews{Host: "news.example"}
			list := func(c *http.Client) syndicate.Target {
				return &syndicate.IndieNews{Client: c, List: "https://news.example/es"}
			}
			return subject{host: m.Host, door: &faketest.Door{Next: m}, secret: "none", target: list,
				copies: func() (all []string) {
					for source := range m.Entries() {
						all = append(all, source)
					}
					return all
				},
				makes: faketest.Fault{Method: "POST", Path: "/webmention"}}
		},
	} {
		t.Run(name, func(t *testing.T) { conforms(t, make) })
	}
}

// picture is a photo, drawn smaller as another type than it was uploaded, which counts how it was asked for.
func picture(alt string, asked *[]int64) syndicate.Photo {
	return syndicate.Photo{Alt: alt, Type: "image/png", Open: func(maxBytes int64, maxSide int) (io.ReadCloser, error) {
		*asked = append(*asked, maxBytes, int64(maxSide))
		return io.NopCloser(strings.NewReader("\xff\xd8\xff" + alt)), nil
	}}
}
