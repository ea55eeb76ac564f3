package config

import (
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestBachataHasADomainOfItsOwn(t *testing.T) {
	domains := []string{"-domain", "t.org", "-domain", "channels.t.org"}
	got := mustParseEdge(t, nil, append(domains, "-bachata", "/messages", "-bachata-domain", "Channels.t.org", "-bachata-tokens=false", "-bachata-mode", "fanout")...).Bachata
	if want := (Bachata{Path: "/messages", Domain: "Channels.t.org", Mode: ChannelFanout}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Channels() != "Channels.t.org" {
		t.Errorf("channels are of %q", got.Channels())
	}
	again := mustParseEdge(t, nil, append(domains, strings.Fields(strings.Join(got.Flags(), " "))...)...).Bachata
	if !reflect.DeepEqual(again, got) {
		t.Errorf("the flags %q give %+v, want %+v", got.Flags(), again, got)
	}
	full := Bachata{Path: "/m", Domain: "channels.t.org", Mode: ChannelQueue, Simple: true, SetFrom: true, Origins: []string{"http://a", "http://b"}}
	if again := mustParseEdge(t, nil, append(domains, strings.Fields(strings.Join(full.Flags(), " "))...)...).Bachata; !reflect.DeepEqual(again, full) {
		t.Errorf("the flags %q give %+v, want %+v", full.Flags(), again, full)
	}
	if none := mustParseEdge(t, nil, append(domains, "-bachata-domain", "x")...).Bachata; none.Channels() != "" {
		t.Errorf("without a path channels are of %q", none.Channels())
	}
	open := append(domains, "-bachata-tokens=false")
	for flag, args := range map[string][]string{
		"-bachata":        append(open, "-bachata", "messages", "-bachata-domain", "channels.t.org"),
		"-bachata-domain": append(open, "-bachata", "/messages", "-bachata-domain", "t.org"),
		"-bachata-mode":   append(open, "-bachata", "/messages", "-bachata-domain", "channels.t.org", "-bachata-mode", "all"),
		"-bachata-tokens": append(domains, "-bachata", "/messages", "-bachata-domain", "channels.t.org"),
	} {
		if _, err := ParseEdge(args, env(nil).get, io.Discard); err == nil || !strings.Contains(err.Error(), flag+":") && !strings.Contains(err.Error(), flag+" ") {
			t.Errorf("%q: %v, want one about %s", args, err, flag)
		}
	}
}
