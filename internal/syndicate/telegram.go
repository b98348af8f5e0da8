package syndicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Telegram is a channel that a bot writes to. Nobody can look what is in a channel and no message has a
// key: after an unclear outcome only its owner can tell.
type Telegram struct {
	Client  *http.Client
	Server  string // empty: https://api.telegram.org
	Token   string // of the bot, which has to be an administrator of the channel
	Channel string // @name, or the number of a private one
}

// Abilities of a bot in a channel.
func (t *Telegram) Abilities(context.Context) (Abilities, error) {
	return Abilities{Idempotency: None, Photos: 1, Edit: true, Delete: true}, nil
}

// request asks the bot's method. The token stands in the address, which therefore never
// stands in an error.
func (t *Telegram) request(doing, method string) request {
	return request{doing: doing, method: http.MethodPost, secret: t.Token, message: telegramSays,
		address: firstOf(strings.TrimSuffix(t.Server, "/"), "https://api.telegram.org") + "/bot" + url.PathEscape(t.Token) + "/" + method}
}

func telegramSays(body []byte) string {
	var said struct {
		Description string `json:"description"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	return said.Description
}

// message is what Telegram gives back.
type message struct {
	ID   int64 `json:"message_id"`
	Chat chat  `json:"chat"`
}

type chat struct {
	ID    int64  `json:"id"`
	Name  string `json:"username"`
	Title string `json:"title"`
}

// call is ask, with Telegram's ways of saying things.
func (t *Telegram) call(ctx context.Context, rq request, result any) error {
	var answer struct {
		OK         bool            `json:"ok"`
		Result     json.RawMessage `json:"result"`
		Parameters struct {
			After int `json:"retry_after"`
		} `json:"parameters"`
	}
	got, err := send(ctx, t.Client, rq)
	var told *Error
	if errors.As(err, &told) {
		if told.Status == http.StatusTooManyRequests && json.Unmarshal(got.body, &answer) == nil && told.After == 0 {
			told.After = min(time.Duration(max(0, min(answer.Parameters.After, 86400)))*time.Second, maxWait)
		}
		said := telegramSays(got.body)
		switch {
		case told.Status == http.StatusNotFound, told.Status == http.StatusForbidden:
			// There is no such bot, or it may not write to the channel any more.
			return &Error{Doing: rq.doing, Status: told.Status, Login: true, Cause: fmt.Errorf("the network answered %d: %s", told.Status, cutAt(said, maxMessage))}
		case strings.Contains(said, "message to edit not found"), strings.Contains(said, "message to delete not found"), strings.Contains(said, "MESSAGE_ID_INVALID"):
			return fmt.Errorf("%s: %w", rq.doing, fs.ErrNotExist)
		}
		return told
	}
	if err := rq.read(got, &answer); err != nil {
		return err
	}
	if !answer.OK {
		return &Error{Doing: rq.doing, Status: got.status, Unclear: rq.makes, Cause: errors.New("the network's answer is neither yes nor no")}
	}
	return rq.read(response{status: got.status, body: answer.Result}, result)
}

// Who is the channel.
func (t *Telegram) Who(ctx context.Context) (Author, error) {
	var c chat
	if err := t.call(ctx, t.request("connect", "getChat").json(map[string]any{"chat_id": t.Channel}), &c); err != nil {
		return Author{}, err
	}
	a := Author{Name: c.Title}
	if c.Name != "" {
		a.Handle, a.URL = "@"+c.Name, "https://t.me/"+url.PathEscape(c.Name)
	}
	return a, nil
}

const (
	telegramText    = 4096 // of UTF-16, after entities
	telegramCaption = 1024
)

// text is the copy as Telegram's HTML: links behind their words, everything else escaped.
func (t *Telegram) text(p Post, most int) (string, error) {
	text := Fit(p, Rules{Max: most, Measure: UTF16, Links: true, Tags: 10, Permalink: true})
	if text.String == "" || !forEverybody(p) {
		return "", fmt.Errorf("a post that says nothing here: %w", ErrUnsupported)
	}
	return text.markup(), nil
}

const photographed = "photo" // Ref.More of a message with a picture

// Publish sends a message, or a picture with its caption.
func (t *Telegram) Publish(ctx context.Context, p Post) (Ref, error) {
	rq, more, err := t.photo(p)
	if errors.Is(err, ErrNoPicture) {
		rq, more, err = t.message(p)
	}
	if err != nil {
		return Ref{}, err
	}
	rq.makes = true
	var made message
	if err := t.call(ctx, rq, &made); err != nil {
		return Ref{}, err
	}
	if made.ID == 0 {
		return Ref{}, &Error{Doing: "publish", Unclear: true, Cause: errors.New("the network names no message")}
	}
	return Ref{ID: strconv.FormatInt(made.ID, 10), URL: made.address(), More: more}, nil
}

// message asks to send the text.
func (t *Telegram) message(p Post) (rq request, more string, err error) {
	text, err := t.text(p, telegramText)
	if err != nil {
		return rq, "", err
	}
	return t.request("publish", "sendMessage").json(map[string]any{"chat_id": t.Channel, "text": text, "parse_mode": "HTML"}), "", nil
}

// photo asks to send the first picture, with the text below it.
func (t *Telegram) photo(p Post) (rq request, more string, err error) {
	if len(p.Photos) == 0 {
		return rq, "", ErrNoPicture
	}
	caption, err := t.text(p, telegramCaption)
	if err != nil {
		return rq, "", err
	}
	picture, err := p.Photos[0].Open(9<<20, 4096) // ten megabytes, and width and height together 10,000
	if err != nil {
		return rq, "", &Error{Doing: "publish", Cause: fmt.Errorf("read a picture: %w", err)}
	}
	defer picture.Close()
	rq = t.request("publish", "sendPhoto")
	values := map[string]string{"chat_id": t.Channel, "caption": caption, "parse_mode": "HTML"}
	if rq.body, rq.kind, err = multipartBody("photo", p.Photos[0], picture, values); err != nil {
		return rq, "", &Error{Doing: "publish", Cause: fmt.Errorf("read a picture: %w", err)}
	}
	return rq, photographed, nil
}

// address is where members, or everybody, see a message.
func (m message) address() string {
	id := strconv.FormatInt(m.ID, 10)
	if m.Chat.Name != "" {
		return "https://t.me/" + url.PathEscape(m.Chat.Name) + "/" + id
	}
	return "https://t.me/c/" + strings.TrimPrefix(strconv.FormatInt(m.Chat.ID, 10), "-100") + "/" + id
}

// Update edits the message; its picture stays.
func (t *Telegram) Update(ctx context.Context, ref Ref, p Post) (Ref, error) {
	method, field, most := "editMessageText", "text", telegramText
	if ref.More == photographed {
		method, field, most = "editMessageCaption", "caption", telegramCaption
	}
	text, err := t.text(p, most)
	if err != nil {
		return Ref{}, err
	}
	rq := t.request("update", method).json(map[string]any{"chat_id": t.Channel, "message_id": json.Number(ref.number()), field: text, "parse_mode": "HTML"})
	err = t.call(ctx, rq, &message{})
	var told *Error
	if errors.As(err, &told) && told.Cause != nil && strings.Contains(told.Cause.Error(), "message is not modified") {
		return ref, nil
	}
	if err != nil {
		return Ref{}, err
	}
	return ref, nil
}

// number is the id of a message, 0 for what is none.
func (r Ref) number() string {
	n, err := strconv.ParseInt(r.ID, 10, 64)
	if err != nil {
		return "0"
	}
	return strconv.FormatInt(n, 10)
}

// Delete deletes the message. Where Telegram does not let bots delete old ones, the error says it.
func (t *Telegram) Delete(ctx context.Context, ref Ref) error {
	var done bool
	err := t.call(ctx, t.request("delete", "deleteMessage").json(map[string]any{"chat_id": t.Channel, "message_id": json.Number(ref.number())}), &done)
	if gone(err) {
		return nil
	}
	return err
}

// Find cannot look: bots do not read channels.
func (t *Telegram) Find(context.Context, Post) (Ref, error) { return Ref{}, ErrUnsupported }

// Poll cannot ask: a channel's answers are in a group of its own, if it has one.
func (t *Telegram) Poll(context.Context, Ref, string) (Answers, error) {
	return Answers{}, ErrUnsupported
}

// Look cannot look, as Find.
func (t *Telegram) Look(context.Context, Ref) (Answer, error) { return Answer{}, ErrUnsupported }

// Resolve finds nothing that a post could answer.
func (t *Telegram) Resolve(context.Context, string) (Ref, error) { return Ref{}, fs.ErrNotExist }
