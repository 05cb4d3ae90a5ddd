// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs_test

import (
	"encoding/hex"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// TestSampleFileDigestDiffers ensures that whatever digest a recording has is compared, a
// beginning of a BLAKE3 included, and that one without any differs from nothing.
func TestSampleFileDigestDiffers(t *testing.T) {
	// What b3sum prints for "abc".
	blake3, err := hex.DecodeString("6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85")
	if err != nil {
		t.Fatal(err)
	}
	var right moonfirefs.Recording
	d := moonfirefs.NewSampleFileDigest()
	_, _ = d.Write([]byte("abc"))
	d.Fill(&right)
	for name, change := range map[string]func(*moonfirefs.Recording){
		"":        func(*moonfirefs.Recording) {},
		"SHA-1":   func(r *moonfirefs.Recording) { r.SampleFileSHA1[3]++ },
		"SHA-256": func(r *moonfirefs.Recording) { r.SampleFileSHA256[3]++ },
		"BLAKE3":  func(r *moonfirefs.Recording) { r.SampleFileBLAKE3[15]++ },
	} {
		for _, length := range []int{moonfirefs.MinBLAKE3Bytes, moonfirefs.MaxBLAKE3Bytes} {
			r := right
			r.SampleFileBLAKE3 = append([]byte(nil), blake3[:length]...)
			change(&r)
			d := moonfirefs.NewSampleFileDigestOf(&r)
			_, _ = d.Write([]byte("abc"))
			if got := d.Differs(&r); got != name {
				t.Errorf("%d bytes of BLAKE3: it differs in %q, want %q", length, got, name)
			}
		}
	}
	var none moonfirefs.Recording
	if got := d.Differs(&none); got != "" || none.HasSHA1() || none.HasSHA256() {
		t.Errorf("without a digest, it differs in %q", got)
	}
}
