package micropub

import (
	"context"
	"math"
	"strconv"
	"strings"
)

// geo answers what is known about a point, which is given as lat and lon or as the
// uri of RFC 5870.
func (h *Handler) geo(ctx context.Context, g Grant, v params) (any, error) {
	l, ok := h.Backend.(Locator)
	if !ok {
		return nil, invalid("unknown query %q", "geo")
	}
	latitude, longitude := v.get("lat"), v.get("lon")
	if uri := v.get("uri"); uri != "" {
		coordinates, isGeo := cutFold(uri, "geo:")
		if !isGeo {
			return nil, invalid("uri must be a geo: address")
		}
		coordinates, _, _ = strings.Cut(coordinates, ";")
		latitude, longitude, _ = strings.Cut(coordinates, ",")
		longitude, _, _ = strings.Cut(longitude, ",") // the altitude
	}
	lat, latErr := degrees(latitude, 90)
	lon, lonErr := degrees(longitude, 180)
	if latErr != nil || lonErr != nil {
		return nil, invalid("q=geo needs lat and lon, or a uri such as geo:37.78,-122.39")
	}
	at, err := l.Locate(ctx, g, lat, lon)
	if at.Near == nil {
		at.Near = []Place{}
	}
	return at, err
}

// cutFold cuts a prefix off, in whatever case it is.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// degrees reads an angle that is at most the limit, either way.
func degrees(s string, limit float64) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && !(math.Abs(f) <= limit) { // NaN is not
		err = strconv.ErrRange
	}
	return f, err
}
