package store

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"tertulia/indieauth"
)

// recordTypes has one of each kind of record.
var recordTypes = []any{
	new(Mention), new(Page), new(Person), new(Picture), new(Original), new(Post), new(Job), new(Change), new(Media), new(SourceFile),
	new(DataFile), new(DataState), new(Outgoing), new(Feed), new(Copy), new(Network), new(indieauth.Token), new(indieauth.Refresh),
	new(indieauth.Code), new(Client), new(Session), new(Device), new(Guesses), new(Passphrase), new(Passkey), new(Request), new(Seal),
	new(Welcome), new(Decision), new(Before), new(Contact), new(Gone), new(Notice), new(NoticeState), new(Letter), new(FeedKey),
	new(Hook), new(Delivery),
}

// Records are what encoding/json makes of them, in both directions: so an older program
// reads what this one has written, and one that is the same is the same to the byte.
func TestRecordsAreTheJSONTheyAlwaysWere(t *testing.T) {
	if len(recordTypes) != len(kinds) {
		t.Errorf("%d kinds of records are tried, there are %d", len(recordTypes), len(kinds))
	}
	for _, one := range recordTypes {
		typ := reflect.TypeOf(one).Elem()
		r := rand.New(rand.NewPCG(1, 2))
		for range 100 {
			rec := reflect.New(typ)
			invent(r, rec.Elem(), 4)
			want, err := json.Marshal(rec.Interface())
			if err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			raw, err := encodeRecord("any", 1, rec.Interface())
			_, got, _ := bytes.Cut(raw, []byte{'\n'})
			want = bytes.ReplaceAll(want, []byte(`\ufffd`), []byte("\ufffd")) // what is no text: the same, said in another way
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v: got %s, error %v; want %s", typ, got, err, want)
			}
			ours, theirs := reflect.New(typ), reflect.New(typ)
			if err := decodeJSON(want, ours.Interface()); err != nil {
				t.Fatalf("%v: %v in %s", typ, err, want)
			}
			dec := json.NewDecoder(bytes.NewReader(want))
			if typ == reflect.TypeFor[Post]() {
				dec.UseNumber()
			}
			if err := dec.Decode(theirs.Interface()); err != nil || !reflect.DeepEqual(ours.Interface(), theirs.Interface()) {
				t.Fatalf("%v: read %+v, error %v; want %+v", typ, ours, err, theirs)
			}
		}
	}
}

// invent fills a value with what may come.
func invent(r *rand.Rand, v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		if r.IntN(3) > 0 {
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<32), r.Int64N(2)*r.Int64N(1e9)).In(time.FixedZone("", r.IntN(3)*3600))))
		}
		return
	case json.RawMessage:
		if r.IntN(2) > 0 {
			v.SetBytes([]byte(`{"<b>": [1e3, "\u00e9 &", null]}`))
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		texts := []string{"", "", "a", "<p>¿Qué & \"qué\"?</p>\n", "\u2028\x00\x7f", "broken \xff\xed\xa0\x80 text", "😀"}
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(r.IntN(2) > 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64N(3) * r.Int64())
	case reflect.Uint64:
		v.SetUint(r.Uint64N(3) * (r.Uint64() / 3))
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(r.Uint64N(256))
	case reflect.Float64:
		v.SetFloat(r.NormFloat64() * 1e20)
	case reflect.Pointer:
		if depth > 0 && r.IntN(2) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			invent(r, v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				invent(r, v.Field(i), depth)
			}
		}
	case reflect.Slice:
		if n := r.IntN(4); n > 0 && depth > 0 { // 1: empty and not nil
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
			for i := range n - 1 {
				invent(r, v.Index(i), depth-1)
			}
		}
	case reflect.Map:
		if n := r.IntN(4); n > 0 && depth > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				invent(r, k, 0)
				invent(r, e, depth-1)
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Interface: // what an editor or a page said
		said := []any{"text <&>", json.Number("1.50"), json.Number("12345678901234567890"), 1.5, 1e300, true, map[string]any{"value": "x", "html": "<b>"}, []any{"a", nil}}
		v.Set(reflect.ValueOf(said[r.IntN(len(said))]))
	default:
		panic("a record has " + v.Type().String())
	}
}
