package config

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// secrets are flags that are never shown.
var secrets = []string{"gossip-key", "auth-webhook-secret", "api-key", "admin-token", "hightemplar-header", "trace-headers"}

// addresses are flags with URLs, of which is shown what is no secret.
var addresses = []string{"nats", "redis", "auth-webhook", "hightemplar-api", "hightemplar-amqp", "trace-endpoint"}

// Print writes the settings as a file for -config, each with its source. What is secret is left out, or marked in an
// address.
func (s *Settings) Print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# The configuration of this %s. What is secret is not shown.\n", s.command)
	for _, g := range s.groups {
		fmt.Fprintf(&b, "\n# %s\n", g.title)
		for _, name := range g.flags {
			if one, is := s.all[name]; is {
				b.WriteString(one.line(name))
			}
		}
	}
	if _, err := io.WriteString(to, b.String()); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return nil
}

// Exposed are the flags with secrets that stand on the command line, where others on the machine may read them. Sorted.
func (s *Settings) Exposed() []string {
	var names []string
	for _, name := range secrets {
		if s.all[name].source == SourceFlag {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// line is a setting as a line of YAML.
func (s setting) line(name string) string {
	text := s.inside
	switch {
	case slices.Contains(secrets, name) && text == "":
		return fmt.Sprintf("# %s is not given # %s\n", name, s.source)
	case slices.Contains(secrets, name):
		return fmt.Sprintf("# %s is given and not shown # %s\n", name, s.source)
	case slices.Contains(addresses, name):
		text = Redacted(text)
	}
	switch s.kind {
	case kindBare:
	case kindText:
		text = quoted(text)
	case kindList:
		text = listed(text)
	}
	return fmt.Sprintf("%s: %s # %s\n", name, text, s.source)
}

// listed is a list as YAML has it, from one as a flag has it.
func listed(text string) string {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		if one != "" {
			all = append(all, quoted(one))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// quoted is a text as YAML has it, which is as JSON has it.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can be
	return strings.TrimSuffix(b.String(), "\n")
}

// hidden stands for what is secret in an address.
const hidden = "xxxxx"

// Redacted is a list of URLs, separated by commas, without passwords, tokens and what queries of HTTP ask with.
func Redacted(urls string) string {
	all := strings.Split(urls, ",")
	for i, one := range all {
		all[i] = redactedOne(strings.TrimSpace(one))
	}
	return strings.Join(all, ",")
}

func redactedOne(one string) string {
	if !strings.Contains(one, "://") { // one more host of the address before, or a part of a password
		if i := strings.LastIndexByte(one, '@'); i >= 0 {
			return hidden + one[i:]
		}
		return one
	}
	u, err := url.Parse(one)
	if err != nil || u.User == nil && strings.Contains(one, "@") {
		return hidden
	}
	if u.User != nil {
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), hidden)
		} else { // a token of NATS
			u.User = url.User(hidden)
		}
	}
	if query := u.Query(); len(query) > 0 && strings.HasPrefix(u.Scheme, "http") {
		for name := range query {
			query.Set(name, hidden)
		}
		u.RawQuery = query.Encode()
	}
	return u.String()
}
