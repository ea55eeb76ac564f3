package config

import (
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestBachataHasADomainOfItsOwn(t *testing.T) {
	domains := []string{"-domain", "t.org", "-domain", "channels.t.org"}
	got := mustParseEdge(t, nil, append(domains, "-bachata", "/messages", "-bachata-domain", "Channels.t.org", "-bachata-auth", "open", "-bachata-mode", "fanout")...).Bachata
	if want := (Bachata{Path: "/messages", Domain: "Channels.t.org", Mode: ChannelFanout, Auth: ChannelOpen}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Channels() != "Channels.t.org" {
		t.Errorf("channels are of %q", got.Channels())
	}
	again := mustParseEdge(t, nil, append(domains, strings.Fields(strings.Join(got.Flags(), " "))...)...).Bachata
	if !reflect.DeepEqual(again, got) {
		t.Errorf("the flags %q give %+v, want %+v", got.Flags(), again, got)
	}
	full := Bachata{Path: "/m", Domain: "channels.t.org", Mode: ChannelQueue, Auth: ChannelOpen, Simple: true, SetFrom: true, Origins: []string{"http://a", "http://b"}}
	if again := mustParseEdge(t, nil, append(domains, strings.Fields(strings.Join(full.Flags(), " "))...)...).Bachata; !reflect.DeepEqual(again, full) {
		t.Errorf("the flags %q give %+v, want %+v", full.Flags(), again, full)
	}
	if none := mustParseEdge(t, nil, append(domains, "-bachata-domain", "x")...).Bachata; none.Channels() != "" {
		t.Errorf("without a path channels are of %q", none.Channels())
	}
	for args, flag := range map[string]string{
		"-bachata messages -bachata-domain channels.t.org -bachata-auth open":                     "-bachata",
		"-bachata /messages -bachata-domain t.org -bachata-auth open":                             "-bachata-domain",
		"-bachata /messages -bachata-domain channels.t.org -bachata-auth open -bachata-mode all":  "-bachata-mode",
		"-bachata /messages -bachata-domain channels.t.org -bachata-auth all -auth external":      "-bachata-auth",
		"-bachata /messages -bachata-domain channels.t.org":                                       "-bachata-auth",
		"-bachata /messages -bachata-domain channels.t.org -bachata-auth webhook -auth key,plain": "-bachata-auth",
	} {
		_, err := ParseEdge(slices.Concat(domains, strings.Fields(args)), env(nil).get, io.Discard)
		if err == nil || !strings.Contains(err.Error(), flag+":") && !strings.Contains(err.Error(), flag+" ") {
			t.Errorf("%s: %v, want one about %s", args, err, flag)
		}
	}
}

func TestChannelsAreGivenByAWebhookThatIsThere(t *testing.T) {
	args := strings.Fields("-domain t.org -domain channels.t.org -bachata /messages -bachata-domain channels.t.org -bachata-auth webhook -auth external,key -auth-webhook https://t.org/")
	if got := mustParseEdge(t, nil, args...).Bachata.Auth; got != ChannelWebhook {
		t.Errorf("channels are given by %q", got)
	}
	for _, more := range []string{"-auth-webhook=", "-auth-webhook-schemes=key"} {
		if _, err := ParseEdge(append(slices.Clip(args), more), env(nil).get, io.Discard); err == nil {
			t.Errorf("%s is no error", more)
		}
	}
	elsewhere := append(slices.Clip(args), "-auth-webhook=", "-nats=nats://t.org", "-redis=redis://t.org")
	if got := mustParseEdge(t, nil, elsewhere...).Bachata.Auth; got != ChannelWebhook {
		t.Errorf("with routers that have it, channels are given by %q", got)
	}
}

func TestAnotherEdgeLetsTheSameClientsIn(t *testing.T) {
	stores := []string{"-nats=nats://t.org", "-redis=redis://t.org"}
	if got := mustParseEdge(t, nil, stores...); len(got.LoginFlags()) != 0 {
		t.Errorf("what is usual is given by %q", got.LoginFlags())
	}
	want := []string{"-auth external,transport", "-tls-client-ca ca.pem", "-auth-webhook-headers X-Tenant,X-Far", "-auth-webhook-cookies sid"}
	args := slices.Concat(stores, strings.Fields(strings.Join(want, " ")+" -tls-cert c.pem -tls-key k.pem"))
	got := mustParseEdge(t, nil, args...)
	if !slices.Equal(got.LoginFlags(), want) {
		t.Errorf("the flags are %q, want %q", got.LoginFlags(), want)
	}
}
