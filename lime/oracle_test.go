package lime

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	oracleN    = flag.Int("oracle.n", 200_000, "how many mutated envelopes TestScanAgrees compares")
	oracleSeed = flag.Uint64("oracle.seed", 1, "what TestScanAgrees mutates them by")
)

// verdict is what a reader says of bytes.
type verdict string

const (
	isEnvelope verdict = "an envelope"
	isNone     verdict = "none"
	isShort    verdict = "short"
	isBad      verdict = "malformed"
)

// oracle reads envelopes with a strict JSON decoder, and obeys the rules of
// LIME on top in the plainest way.
type oracle struct {
	dec *jsontext.Decoder
	b   []byte

	verdict     verdict
	n           int
	members     [][2]string // name and value as written
	values      map[string]string
	kind        Kind
	hasResource bool
	hasReason   bool
	hasURI      bool // that is not null
	mend        bool
}

var (
	oracleTexts = strings.Fields("id from to pp type uri")
	oracleEnums = map[string][]string{
		"event":  eventNames,
		"method": methodNames,
		"status": statusNames,
		"state":  stateNames,
	}
	oracleKnown = append(strings.Fields("event method status state content resource reason metadata"), oracleTexts...)
)

func (o *oracle) read(b []byte) {
	*o = oracle{dec: o.dec, b: b, values: map[string]string{}}
	options := []jsontext.Options{jsontext.AllowDuplicateNames(true)}
	if o.dec == nil {
		o.dec = jsontext.NewDecoder(bytes.NewBuffer(b), options...)
	} else {
		o.dec.Reset(bytes.NewBuffer(b), options...)
	}
	switch o.verdict = o.object(); o.verdict {
	case isEnvelope:
		o.n = int(o.dec.InputOffset())
	case isShort:
		if lowAtEnd.Match(b) && !o.completes(b) {
			o.verdict = isBad
		}
	}
}

// lowAtEnd matches what may end in the second half of a surrogate pair without
// the first. The decoder reads on there and only then says that it is wrong.
var lowAtEnd = regexp.MustCompile(`\\u[dD][c-fC-F][0-9a-fA-F]{0,2}(\\(u([dD]([c-fC-F][0-9a-fA-F]?)?)?)?)?$`)

// completes tells whether there is JSON that begins with b.
func (o *oracle) completes(b []byte) bool {
	for _, rest := range []string{`"`, `n"`, `0041"`, `041"`, `41"`, `1"`, `\ude00"`, `ude00"`, `de00"`, `e00"`, `00"`, `0"`} {
		o.dec.Reset(bytes.NewBuffer(append(bytes.Clone(b), rest...)), jsontext.AllowDuplicateNames(true))
		if _, err := o.dec.ReadValue(); err == nil || o.blame(err) == isShort {
			return true
		}
	}
	return false
}

// blame says what the decoder stumbles over.
func (o *oracle) blame(err error) verdict {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return isBad
	}
	return isShort
}

func (o *oracle) object() verdict {
	if len(bytes.Trim(o.b, " \t\r\n")) == 0 {
		return isNone
	}
	if o.dec.PeekKind() != '{' {
		return isBad
	}
	if _, err := o.dec.ReadToken(); err != nil {
		return o.blame(err)
	}
	for {
		switch o.dec.PeekKind() {
		case '}':
			if _, err := o.dec.ReadToken(); err != nil {
				return o.blame(err)
			}
			return o.finish()
		case '"':
		case 0:
			_, err := o.dec.ReadToken()
			return o.blame(err)
		default:
			return isBad
		}
		if v := o.member(); v != isEnvelope {
			return v
		}
	}
}

func (o *oracle) member() verdict {
	raw, err := o.dec.ReadValue()
	if err != nil {
		return o.blame(err)
	}
	rawName := string(raw)
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return isBad
	}
	name := string(unquoted)
	known := false
	for _, k := range oracleKnown {
		if name == k {
			known = true
		} else if strings.EqualFold(name, k) {
			return isBad
		}
	}
	if _, twice := o.values[name]; known && twice {
		return isBad
	}
	kind := o.dec.PeekKind()
	if kind == 0 {
		_, err := o.dec.ReadToken()
		return o.blame(err)
	}
	texts := contains(oracleTexts, name)
	names, enum := oracleEnums[name]
	if (texts || enum) && kind != '"' && kind != 'n' {
		return isBad
	}
	if name == "reason" && kind != '"' && kind != 'n' && kind != '{' {
		return isBad
	}
	before := o.dec.InputOffset()
	raw, err = o.dec.ReadValue()
	if err != nil {
		if v := o.blame(err); v != isShort || deepest(o.b[before:]) < MaxDepth {
			return v
		}
		return isBad
	}
	if deepest(raw) >= MaxDepth {
		return isBad
	}
	value := string(raw)
	o.members = append(o.members, [2]string{rawName, value})
	switch {
	case (texts || enum) && kind == '"':
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return isBad
		}
		value = string(unquoted)
		if enum {
			value = ""
			for _, n := range names[1:] {
				if isASCII(unquoted) && strings.EqualFold(n, string(unquoted)) {
					value = n
				}
			}
			if value == "" {
				return isBad
			}
		}
	case texts || enum:
		value = ""
	}
	switch name {
	case "uri":
		o.hasURI = kind != 'n'
	case "resource":
		o.hasResource = kind != 'n'
	case "reason":
		o.hasReason = kind != 'n'
		o.mend = o.mend || kind == '"'
	case "metadata":
		o.mend = o.mend || kind != 'n' && kind != '{' || looseMetadata(raw)
	}
	if known {
		o.values[name] = value
	}
	return isEnvelope
}

func (o *oracle) finish() verdict {
	for _, k := range []struct {
		name string
		kind Kind
	}{
		{"content", KindMessage},
		{"event", KindNotification},
		{"method", KindCommand},
		{"state", KindSession},
	} {
		if value, ok := o.values[k.name]; ok {
			o.kind = k.kind
			if value == "" {
				return isBad
			}
			break
		}
	}
	o.mend = o.mend || o.answersWithURI()
	return isEnvelope
}

// answersWithURI tells a response that a peer would take for a request.
func (o *oracle) answersWithURI() bool {
	return o.kind == KindCommand && o.values["status"] != "" && o.hasURI
}

func contains(all []string, s string) bool {
	for _, one := range all {
		if one == s {
			return true
		}
	}
	return false
}

func isASCII(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r > 0x7f })
}

// looseMetadata tells whether an object has members that are no strings.
func looseMetadata(raw []byte) bool {
	if raw[0] != '{' {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true))
	_, _ = dec.ReadToken()
	for dec.PeekKind() == '"' {
		_, _ = dec.ReadValue()
		if dec.PeekKind() != '"' {
			return true
		}
		_, _ = dec.ReadValue()
	}
	return false
}

// deepest returns how many objects and arrays are open at once in b, up to
// where the first of them is closed.
func deepest(b []byte) int {
	depth, most, text := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// disagreement says in what the scan and the oracle differ over b, or "".
func disagreement(h *Header, o *oracle, b []byte) string {
	n, err := h.Scan(b)
	v := isEnvelope
	switch {
	case err == nil:
	case errors.Is(err, ErrShort):
		v = isShort
	case errors.Is(err, ErrNone):
		v = isNone
	case errors.Is(err, ErrMalformed):
		v = isBad
	}
	o.read(b)
	switch {
	case v != o.verdict:
		return fmt.Sprintf("%q is %s (%v), but the oracle says %s", b, v, err, o.verdict)
	case v != isEnvelope:
		return ""
	case n != o.n:
		return fmt.Sprintf("%q ends at %d, but the oracle says %d", b, n, o.n)
	case h.Kind != o.kind || h.HasReason != o.hasReason || h.HasResource != o.hasResource || h.NeedsMending != o.mend:
		return fmt.Sprintf("%q: %+v differs from %+v", b, h, o)
	}
	for _, got := range []struct{ name, text string }{
		{"id", string(h.ID)},
		{"from", string(h.From)},
		{"to", string(h.To)},
		{"pp", string(h.PP)},
		{"type", string(h.Type)},
		{"uri", string(h.URI)},
		{"event", h.Event.String()},
		{"method", h.Method.String()},
		{"status", h.Status.String()},
		{"state", h.State.String()},
	} {
		if got.text != o.values[got.name] {
			return fmt.Sprintf("%q: %s is %q, but the oracle says %q", b, got.name, got.text, o.values[got.name])
		}
	}
	return ""
}

// mutator makes envelopes that are nearly right out of those in testdata.
type mutator struct {
	rand  *rand.Rand
	seeds [][]byte
	b     []byte
}

func newMutator(t testing.TB, seed, stream uint64) *mutator {
	m := &mutator{rand: rand.New(rand.NewPCG(seed, stream))}
	for _, folder := range []string{"envelopes", "envelopes", "envelopes", "refused"} {
		all := envelopes(t, folder)
		for _, name := range sortedKeys(all) {
			if len(all[name]) < 1000 {
				m.seeds = append(m.seeds, all[name])
			}
		}
	}
	return m
}

var mutations = []string{
	`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, ` `, "\n", "\x00", "\x1f", "\x7f", "\x80", "\xff", "\xc3", "é", "\u2028", "😀", "\xed\xa0\x80",
	`\u0041`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\n`, `\/`, `\u`, `\u00`, "null", "true", "false", "0", "-", "1.5e+3", "01", "1.", `""`, `{}`, `[]`,
	`"id":"x",`, `"from":"a@b",`, `"From":1,`, `"pp":"c@d/e",`, `"pp":null,`, `,"to":""`, `"event":"FAILED",`, `"ſtate":1,`, `"state":"new",`,
	`"metadata":{"a":1},`, `"metadata":[],`, `"reason":"x",`, `"content":null,`, `"x":{"y":[1,{"z":null}]},`, `"\u0069d":"y",`,
	`"resource":null,`, `"status":"Success",`, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
}

// next returns an envelope with up to six faults, which is good until the next
// call.
func (m *mutator) next() []byte {
	r := m.rand
	m.b = append(m.b[:0], m.seeds[r.IntN(len(m.seeds))]...)
	b := m.b
	for range r.IntN(7) {
		at := r.IntN(len(b) + 1)
		switch r.IntN(7) {
		case 0: // another byte
			if at < len(b) {
				b[at] = byte(r.UintN(256))
			}
		case 1, 2: // something put in
			s := mutations[r.IntN(len(mutations))]
			b = append(b, s...)
			copy(b[at+len(s):], b[at:len(b)-len(s)])
			copy(b[at:], s)
		case 3: // something taken out
			end := min(at+r.IntN(8), len(b))
			b = append(b[:at], b[end:]...)
		case 4: // something written over
			b = append(b[:at], append([]byte(mutations[r.IntN(len(mutations))]), b[at:]...)...)
		case 5: // the end cut off
			if r.IntN(4) == 0 {
				b = b[:at]
			}
		case 6: // another one's end
			other := m.seeds[r.IntN(len(m.seeds))]
			b = append(b[:at], other[r.IntN(len(other)):]...)
		}
	}
	m.b = b
	return b
}

// TestScanAgrees compares the scan with a strict JSON decoder over mutated
// envelopes; -oracle.n says how many, -oracle.seed which.
func TestScanAgrees(t *testing.T) {
	const shares = 2
	var all sync.Map
	t.Run("shares", func(t *testing.T) {
		for share := range shares {
			t.Run(fmt.Sprint(share), func(t *testing.T) {
				t.Parallel()
				var h Header
				var o oracle
				m := newMutator(t, *oracleSeed, uint64(share))
				seen := map[verdict]int{}
				wrong := 0
				for i := range *oracleN / shares {
					b := m.next()
					if text := disagreement(&h, &o, b); text != "" {
						t.Error(text)
						if wrong++; wrong > 5 {
							t.FailNow()
						}
					}
					seen[o.verdict]++
					if o.verdict == isEnvelope && i%4 == 0 {
						checkRewrite(t, b, m.rand.Uint32())
						checkMended(t, b)
					}
				}
				all.Store(share, seen)
			})
		}
	})
	total := map[verdict]int{}
	for share := range shares {
		seen, _ := all.Load(share)
		counts, _ := seen.(map[verdict]int) // none when the share gave up
		for v, n := range counts {
			total[v] += n
		}
	}
	t.Logf("compared %v", total)
	for _, v := range []verdict{isEnvelope, isShort, isBad} {
		if total[v] < *oracleN/100 {
			t.Errorf("only %d of %d are %s: the mutator tests too little", total[v], *oracleN, v)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, folder := range []string{"envelopes", "refused"} {
		for _, b := range envelopes(f, folder) {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		var o oracle
		if text := disagreement(&h, &o, b); text != "" {
			t.Error(text)
		}
	})
}
