package config

import (
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestConnectorsHaveADomainOfTheirOwn(t *testing.T) {
	domains := []string{"-domain", "t.org", "-domain", "aio.t.org"}
	address := []string{"-aioconnectors", "10.0.0.5:10673"}
	args := strings.Fields("-aioconnectors-domain AIO.t.org -aioconnectors-tls -aioconnectors-tokens -aioconnectors-service hub@t.org -aioconnectors-types any,report -aioconnectors-simple")
	tls := []string{"-tls-cert", "c.pem", "-tls-key", "k.pem"}
	got := mustParseEdge(t, nil, slices.Concat(domains, address, args, tls)...).AioConnectors
	want := AioConnectors{
		Address: "10.0.0.5:10673", TLS: true, Tokens: true, MaxTokens: 10_000, Domain: "AIO.t.org", Service: "hub@t.org", Types: []string{"any", "report"}, Simple: true, Topics: 1000, Backlog: 1 << 20,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Connectors() != "AIO.t.org" || got.ServerName() != "('10.0.0.5', 10673)" {
		t.Errorf("they are of %q, of the server %q", got.Connectors(), got.ServerName())
	}
	again := mustParseEdge(t, nil, slices.Concat(domains, address, strings.Fields(strings.Join(got.Flags(), " ")), tls)...).AioConnectors
	if !reflect.DeepEqual(again, got) {
		t.Errorf("the flags %q give %+v, want %+v", got.Flags(), again, got)
	}
	named := mustParseEdge(t, nil, slices.Concat(domains, address, []string{"-aioconnectors-domain", "aio.t.org", "-aioconnectors-server", "edge"})...).AioConnectors
	if named.ServerName() != "edge" || len(named.Flags()) != 1 {
		t.Errorf("the server is %q, of %q", named.ServerName(), named.Flags())
	}
	if none := mustParseEdge(t, nil, append(domains, "-aioconnectors-domain", "x")...).AioConnectors; none.Connectors() != "" || none.Flags() != nil {
		t.Errorf("without an address they are of %q, with %q", none.Connectors(), none.Flags())
	}
	good := "-aioconnectors :10673 -aioconnectors-domain aio.t.org "
	for args, flag := range map[string]string{
		"-aioconnectors 10673 -aioconnectors-domain aio.t.org":                         "-aioconnectors",
		"-aioconnectors :10673 -aioconnectors-domain t.org":                            "-aioconnectors-domain",
		"-aioconnectors :10673":                                                        "-aioconnectors-domain",
		good + "-listen :10673":                                                        "-aioconnectors",
		good + "-tcp :10673":                                                           "-aioconnectors",
		good + "-aioconnectors-tls":                                                    "-aioconnectors-tls",
		good + "-aioconnectors-service hub":                                            "-aioconnectors-service",
		good + "-aioconnectors-tokens":                                                 "-aioconnectors-tokens",
		good + "-aioconnectors-certificates -authority a -tls-cert c -tls-key k":       "-aioconnectors-certificates",
		good + "-aioconnectors-certificates -aioconnectors-tls -tls-cert c -tls-key k": "-aioconnectors-certificates",
		good + "-aioconnectors-certificates -authority a -tls-cert c -tls-key k -aioconnectors-tls -aioconnectors-tokens": "-aioconnectors-certificates",
		good + "-aioconnectors-max-tokens 0":                                                   "-aioconnectors-max-tokens",
		good + "-aioconnectors-topics 0":                                                       "-aioconnectors-topics",
		good + "-aioconnectors-backlog 1":                                                      "-aioconnectors-backlog",
		good + "-bachata /m -bachata-domain aio.t.org -bachata-auth open":                      "-aioconnectors-domain",
		good + "-hightemplar /ws -hightemplar-api http://t.org/ -hightemplar-domain aio.t.org": "-aioconnectors-domain",
	} {
		_, err := ParseEdge(slices.Concat(domains, strings.Fields(args)), env(nil).get, io.Discard)
		if err == nil || !strings.Contains(err.Error(), flag+":") && !strings.Contains(err.Error(), flag+" ") {
			t.Errorf("%s: %v, want one about %s", args, err, flag)
		}
	}
}
