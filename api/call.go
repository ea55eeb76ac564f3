package api

import (
	"context"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"limegrove/lime"
)

// call is one request to an operation.
type call struct {
	request *http.Request
	key     Key
	secret  string // the key's text
	body    []byte
	seed    string // for ids that are made, the same when the request comes again; "" for none
}

// operation is one thing that the API does.
type operation struct {
	id     string // as the document has it, and metrics
	method string
	path   string
	scope  Scope
	do     func(context.Context, *call) (reply, error)
}

// traceparent is the name of a header, and of a text of metadata.
const traceparent = "traceparent"

// traced is the metadata of what a request sends, with its traceparent.
func (s *Server) traced(c *call, given map[string]string) map[string]string {
	parent := c.request.Header.Get(traceparent)
	if _, has := given[traceparent]; has || s.cfg.Traceparent == nil || !s.cfg.Traceparent(parent) {
		return given
	}
	all := maps.Clone(given)
	if all == nil {
		all = map[string]string{}
	}
	all[traceparent] = parent
	return all
}

// domain returns the domain that a member names or, when it names none, the key's first one.
func (s *Server) domain(c *call, member, given string) (string, error) {
	if given == "" {
		given = s.cfg.Domains[0]
		if len(c.key.Domains) > 0 {
			given = c.key.Domains[0]
		}
	}
	if !c.key.For(given) || !s.serves(given) {
		p := forbidden("The key is not for this domain")
		p.member = member
		return "", p
	}
	return strings.ToLower(given), nil
}

func (s *Server) serves(domain string) bool {
	return slices.ContainsFunc(s.cfg.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// identity reads an identity of a domain that the key is for.
func (s *Server) identity(c *call, member, text string) (lime.Identity, error) {
	id, err := lime.ParseIdentity(text)
	if err != nil || id.Name == "" || id.Domain == "" {
		return id, invalid(member, "It is no identity, which is name@domain")
	}
	if _, err := s.domain(c, member, id.Domain); err != nil {
		return id, err
	}
	return id, nil
}

// ofPath is identity for the one in the path.
func (s *Server) ofPath(c *call) (lime.Identity, error) {
	return s.identity(c, "identity", c.request.PathValue("identity"))
}

// What one request reads of a list.
const (
	usualPage = 100
	maxPage   = 500
)

// page reads from and take, which are all that the query may have.
func page(c *call) (from uint64, take int, err error) {
	if err := parameters(c, "from", "take"); err != nil {
		return 0, 0, err
	}
	if from, err = number(c, "from", 1, math.MaxInt64); err != nil {
		return 0, 0, err
	}
	n, err := number(c, "take", usualPage, maxPage)
	return from, int(n), err
}

// number reads a parameter of the query, a number from 1 on, or returns what it is without.
func number(c *call, name string, without, most uint64) (uint64, error) {
	text := c.request.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, invalid(name, "It is no whole number from 1 to %d", most)
	}
	return n, nil
}

// parameters refuses those of the query that are not named.
func parameters(c *call, known ...string) error {
	for name := range c.request.URL.Query() {
		if !slices.Contains(known, name) {
			return invalid(name, "There is no such parameter here")
		}
	}
	return nil
}

// seconds is how long a request wants to wait.
func (s *Server) seconds(given *float64, without time.Duration) (time.Duration, error) {
	if given == nil {
		return min(without, s.cfg.MaxWait), nil
	}
	if !(*given > 0 && *given <= s.cfg.MaxWait.Seconds()) {
		return 0, invalid("timeout", "It is no number of seconds above 0 and up to %g", s.cfg.MaxWait.Seconds())
	}
	return time.Duration(*given * float64(time.Second)), nil
}
