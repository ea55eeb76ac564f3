package presence

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisURL is Config.URL taken apart.
type redisURL struct {
	secure  bool
	cluster bool
	user    string // with its @
	hosts   []string
	rest    string // path and query
}

func parseURL(s string) (u redisURL, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return u, errors.New("redis URL: no scheme, such as redis://")
	}
	scheme, u.cluster = strings.CutSuffix(strings.ToLower(scheme), "+cluster")
	switch scheme {
	case "redis":
	case "rediss":
		u.secure = true
	default:
		return u, fmt.Errorf("redis URL: scheme %q is none of redis, rediss, redis+cluster, rediss+cluster", scheme)
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest, u.rest = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		u.user, rest = rest[:i+1], rest[i+1:]
	}
	for h := range strings.SplitSeq(rest, ",") {
		if h = strings.TrimSpace(h); h != "" {
			u.hosts = append(u.hosts, h)
		}
	}
	if len(u.hosts) == 0 {
		return u, errors.New("redis URL: no host")
	}
	u.cluster = u.cluster || len(u.hosts) > 1
	return u, nil
}

// CheckURL tells what [Open] would say of a URL.
func CheckURL(s string) error {
	client, _, err := dial(s, time.Second)
	if err != nil {
		return err
	}
	return client.Close()
}

// dial returns the client for s. No connection is made yet.
//
// Each attempt is short and few are made: a pipeline that waits holds up the
// calls behind it, and a caller knows better whether to try again.
func dial(s string, timeout time.Duration) (client redis.UniversalClient, cluster bool, err error) {
	u, err := parseURL(s)
	if err != nil {
		return nil, false, err
	}
	scheme := "redis://"
	if u.secure {
		scheme = "rediss://"
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if !u.cluster {
		o, err := redis.ParseURL(scheme + u.user + u.hosts[0] + u.rest)
		if err != nil {
			return nil, false, redact(err)
		}
		o.MaxRetries, o.DialerRetries = 1, 1
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		o.MaintNotificationsConfig = quiet
		return redis.NewClient(o), false, nil
	}
	o, err := redis.ParseClusterURL(scheme + u.user + u.hosts[0] + addrs(u.rest, u.hosts[1:]))
	if err != nil {
		return nil, false, redact(err)
	}
	o.MaxRetries, o.DialerRetries = 1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = timeout, timeout, timeout
	o.ContextTimeoutEnabled, o.DisableIdentity, o.DisableRoutingPolicies = true, true, true
	o.MaintNotificationsConfig = quiet
	return redis.NewClusterClient(o), true, nil
}

// addrs adds the further hosts to the query, where go-redis looks for them.
func addrs(rest string, hosts []string) string {
	path, query, _ := strings.Cut(rest, "?")
	for _, h := range hosts {
		if !strings.Contains(h, ":") {
			h += ":6379"
		}
		if query != "" {
			query += "&"
		}
		query += "addr=" + url.QueryEscape(h)
	}
	return strings.TrimSuffix(path, "/") + "?" + query
}

// redact keeps a password that stood in the URL out of the error.
func redact(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("redis URL: %w", err)
}
