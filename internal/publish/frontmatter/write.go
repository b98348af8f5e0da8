package frontmatter

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// plain is text that every YAML reader takes for itself without quotes, in a
// block and in a flow, unless it is one of words.
var plain = regexp.MustCompile(`^[\pL_](?:[\pL\pN_/.+()'!;@ -]{0,200}[\pL\pN_/.+()'!;@-])?$`)

// words are what readers of YAML 1.1 or 1.2 take for something else than text.
var words = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// bare is a key that TOML takes without quotes.
var bare = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// yamlString writes text for YAML: plain where that is safe, else in double quotes.
func yamlString(s string) string {
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return yamlQuote(s)
}

// yamlQuote writes text in YAML's double quotes on one line. What a reader could
// take for a line's end or drop is escaped.
func yamlQuote(s string) string {
	return quoted(s, map[rune]string{0: `\0`, '\a': `\a`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, 0x1b: `\e`}, "\\U%08X")
}

// tomlQuote writes text as a TOML basic string on one line.
func tomlQuote(s string) string {
	return quoted(s, map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}, "\\U%08X")
}

// jsonQuote writes text as a JSON string.
func jsonQuote(s string) string {
	return quoted(s, map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}, "")
}

// quoted writes text in double quotes, with short escapes where there are some.
// Invisible characters are escaped, but for those that join emoji and letters. long is the
// escape beyond U+FFFF; without one these are two surrogates.
func quoted(s string, short map[rune]string, long string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch escape, ok := short[r]; {
		case ok:
			b.WriteString(escape)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r) || r == '\u200c' || r == '\u200d':
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, r)
		case long != "":
			fmt.Fprintf(&b, long, r)
		default:
			fmt.Fprintf(&b, `\u%04X\u%04X`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// scalar writes a value that is no collection.
func (format Format) scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return format.float(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return map[Format]func(string) string{YAML: yamlString, TOML: tomlQuote, JSON: jsonQuote}[format](v.(string))
}

// float writes a number with a point, so that it is read back as a float64 and by
// readers of YAML 1.1 as a number.
func (format Format) float(v float64) string {
	dot := map[Format]string{YAML: "."}[format]
	switch {
	case math.IsNaN(v):
		return dot + "nan"
	case math.IsInf(v, 1):
		return dot + "inf"
	case math.IsInf(v, -1):
		return "-" + dot + "inf"
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		s = strconv.FormatFloat(v, 'e', -1, 64)
	}
	if mantissa, exponent, ok := strings.Cut(s, "e"); !strings.Contains(mantissa, ".") {
		s = mantissa + ".0"
		if ok {
			s += "e" + exponent
		}
	}
	return s
}

// key writes a mapping's key with what stands between it and its value.
func (format Format) key(name string) string {
	switch {
	case format == YAML:
		return yamlString(name) + ": "
	case format == JSON:
		return jsonQuote(name) + ": "
	case bare.MatchString(name):
		return name + " = "
	}
	return tomlQuote(name) + " = "
}

// inline writes a value on one line or, if pad is not empty, which is the line's
// break and indentation, with each item on a line of its own.
func (format Format) inline(v any, pad string) string {
	var parts []string
	open, shut := "[", "]"
	inner := pad
	if pad != "" {
		inner += "  "
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, format.inline(item, inner))
		}
	case map[string]any:
		open, shut = "{", "}"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, format.key(name)+format.inline(v[name], inner))
		}
	default:
		return format.scalar(v)
	}
	if pad == "" || len(parts) == 0 {
		return open + strings.Join(parts, ", ") + shut
	}
	return open + inner + strings.Join(parts, ","+inner) + pad + shut
}

// isBlock says whether YAML has the value on lines of its own.
func isBlock(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// yamlLines writes a value that isBlock in block style, each line indented by pad.
func yamlLines(v any, pad string) []string {
	var lines []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !isBlock(item) {
				lines = append(lines, pad+"- "+YAML.inline(item, ""))
				continue
			}
			below := yamlLines(item, pad+"  ")
			below[0] = pad + "- " + below[0][len(pad)+2:]
			lines = append(lines, below...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, yamlEntry(name, v[name], pad)...)
		}
	}
	return lines
}

// yamlEntry writes a key and its value in block style.
func yamlEntry(name string, v any, pad string) []string {
	if !isBlock(v) {
		return []string{pad + YAML.key(name) + YAML.inline(v, "")}
	}
	return append([]string{pad + strings.TrimSuffix(YAML.key(name), " ")}, yamlLines(v, pad+"  ")...)
}

// jsonValue is a value as JSON has it: times as text.
func jsonValue(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("JSON has no %v", v)
		}
	case []any:
		for i := range v {
			if v[i], err = jsonValue(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = jsonValue(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// tomlValue refuses what TOML cannot write.
func tomlValue(v any) error {
	switch v := v.(type) {
	case nil:
		return errors.New("TOML has no null")
	case []any:
		for _, item := range v {
			if err := tomlValue(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, item := range v {
			if err := tomlValue(item); err != nil {
				return err
			}
		}
	}
	return nil
}
