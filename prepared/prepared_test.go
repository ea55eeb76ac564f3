package prepared

import "testing"

func TestFormsBelongToOneRun(t *testing.T) {
	var r Run
	r.Reset(2)
	r.Add([]byte("one"))
	r.Add([]byte("three"))
	if r.Len() != 2 || r.Bytes() != 8 || string(r.Envelope(1)) != "three" || !r.Shared() {
		t.Errorf("the run has %d envelopes of %d bytes, the second %q; shared: %t", r.Len(), r.Bytes(), r.Envelope(1), r.Shared())
	}
	type frames uint8
	r.Keep(frames(1), "in frames")
	r.Keep("x", "otherwise")
	if r.Form(frames(1)) != "in frames" || r.Form("x") != "otherwise" || r.Form(frames(0)) != nil || r.Form(uint8(1)) != nil {
		t.Error("a form is another one's")
	}
	r.Reset(1)
	if r.Len() != 0 || r.Bytes() != 0 || r.Form("x") != nil || r.Shared() {
		t.Error("something is left of the run before")
	}
	r.Add([]byte("two"))
	if string(r.Envelope(0)) != "two" || r.Form(frames(1)) != nil {
		t.Error("a form is that of the run before")
	}
}

func TestFormsAreFew(t *testing.T) {
	r := One(100, []byte("x"))
	for i := range 100 {
		r.Keep(i, i)
	}
	if len(r.forms) != maxForms || r.Form(0) != 0 || r.Form(99) != nil {
		t.Errorf("%d forms are kept", len(r.forms))
	}
}
