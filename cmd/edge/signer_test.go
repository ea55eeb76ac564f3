package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// slowKey takes a second to sign, and notes how many do at once.
type slowKey struct {
	crypto.Signer
	now, most atomic.Int32
}

func (k *slowKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	n := k.now.Add(1)
	defer k.now.Add(-1)
	for most := k.most.Load(); n > most && !k.most.CompareAndSwap(most, n); most = k.most.Load() {
	}
	time.Sleep(time.Second)
	return []byte("signed"), nil
}

func TestFewSignAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, refused := new(slowKey), prometheus.NewCounter(prometheus.CounterOpts{Name: "refused"})
		places := max(1, runtime.GOMAXPROCS(0)-1)
		s := gated(key, refused).(crypto.Signer)
		var signed, failed atomic.Int32
		var all sync.WaitGroup
		began := time.Now()
		for range 2 * maxSigning {
			all.Go(func() {
				if _, err := s.Sign(nil, nil, nil); err != nil {
					failed.Add(1)
				} else {
					signed.Add(1)
				}
			})
		}
		synctest.Wait()
		if n := int(failed.Load()); n != maxSigning-places {
			t.Errorf("%d are refused at once", n)
		}
		all.Wait()
		if took := time.Since(began); took > 2*signPatience {
			t.Errorf("the last one waits for %s", took)
		}
		// One a second at each place: those for whom there is one within their patience. The last ones may have both.
		if n := int(signed.Load()); n < 5*places || n > 6*places {
			t.Errorf("%d have signed at %d places", n, places)
		}
		if int(key.most.Load()) != places || counted(t, refused) != int(failed.Load()) {
			t.Errorf("%d sign at once; %d are counted of %d", key.most.Load(), counted(t, refused), failed.Load())
		}
		if _, err := s.Sign(nil, nil, nil); err != nil {
			t.Errorf("when all is over: %v", err)
		}
	})
}

func TestGatedKeySigns(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	s := gated(key, prometheus.NewCounter(prometheus.CounterOpts{Name: "refused"})).(crypto.Signer)
	b, err := s.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil || !ecdsa.VerifyASN1(s.Public().(*ecdsa.PublicKey), digest, b) {
		t.Errorf("it does not sign: %v", err)
	}
}

func counted(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.Counter.GetValue())
}
