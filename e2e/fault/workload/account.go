package workload

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"limegrove/lime"
	limeclient "limegrove/lime/client"
)

// atOnce is how many accounts are made at the same time: hashing keeps a few cores busy.
const atOnce = 4

// SignUp makes everybody's account. What fails is tried again until ctx is done.
func (w *Workload) SignUp(ctx context.Context) error {
	names := make(chan string)
	failed := make(chan error, atOnce)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for name := range names {
				for {
					err := signUp(ctx, w.cfg.Edges[0].URL, name, w.cfg.Domain)
					if err == nil {
						break
					}
					if ctx.Err() != nil {
						failed <- fmt.Errorf("make an account for %s: %w", name, err)
						return
					}
					pause(ctx, time.Second)
				}
			}
		})
	}
	made := map[string]bool{}
	for _, c := range w.clients {
		if name := c.role.name; !made[name] {
			made[name] = true
			select {
			case names <- name:
			case <-ctx.Done():
			}
		}
	}
	close(names)
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// signUp has a guest make an account.
func signUp(ctx context.Context, url, name, domain string) error {
	ctx, cancel := context.WithTimeout(ctx, establishing)
	defer cancel()
	guest, err := limeclient.Dial(ctx, url, limeclient.Config{
		Node: lime.MustParseNode("guest-" + name + "@" + domain + "/signup"), Backoff: limeclient.Backoff{Tries: -1},
	})
	if err != nil {
		return err
	}
	defer guest.Close()
	account, err := limeclient.NewDocument(lime.MediaAccount, map[string]string{
		"password": base64.StdEncoding.EncodeToString([]byte(password)),
	})
	if err != nil {
		return err
	}
	_, err = guest.Command(ctx, &lime.Command{
		From: lime.Node{Identity: lime.Identity{Name: name, Domain: domain}}, PP: guest.Node(),
		Method: lime.MethodSet, URI: "/account", Type: account.Type, Resource: account.Value,
	})
	if errors.Is(err, &lime.Reason{Code: lime.CodeCommandNotAllowed}) {
		return nil // an earlier try has made it
	}
	return err
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
