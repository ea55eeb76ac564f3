package workload

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
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
	wire, err := dial(ctx, url)
	if err != nil {
		return err
	}
	defer wire.close()
	guest, err := wire.login(ctx, "guest-"+name+"@"+domain+"/signup", "guest")
	if err != nil {
		return err
	}
	account, err := json.Marshal(map[string]string{
		"password": base64.StdEncoding.EncodeToString([]byte(password)),
	})
	if err != nil {
		return err
	}
	set := lime.Command{
		ID: "signup", From: lime.Node{Identity: lime.Identity{Name: name, Domain: domain}}, PP: guest.To,
		Method: lime.MethodSet, URI: "/account", Type: lime.MediaAccount, Resource: account,
	}
	if err := wire.conn.SetReadDeadline(time.Now().Add(establishing)); err != nil {
		return err
	}
	if err := wire.write(ws.OpText, set.AppendJSON(nil)); err != nil {
		return err
	}
	text, err := wire.text()
	if err != nil {
		return err
	}
	var answer lime.Command
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Status != lime.CommandSuccess && (answer.Reason == nil || answer.Reason.Code != lime.CodeCommandNotAllowed) {
		return errors.New("the server says " + string(text)) // 66 says that an earlier try has made it
	}
	return nil
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
