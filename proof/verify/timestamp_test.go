// SPDX-License-Identifier: GPL-3.0-or-later

package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/proof"
)

// authority makes time stamps (RFC 3161) of one time.
type authority struct {
	*httptest.Server
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	now         time.Time
	// down says that it answers with an error.
	down bool
}

func newAuthority(t *testing.T, now string) *authority {
	t.Helper()
	a := &authority{now: teststore.At(now).Time().UTC()}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"},
		NotBefore: a.now.AddDate(-20, 0, 0), NotAfter: a.now.AddDate(100, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		a.Close()
	})
	return a
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := io.ReadAll(r.Body)
	if err != nil || a.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	request, err := timestamp.ParseRequest(query)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	stamp := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: a.now,
		Policy: asn1.ObjectIdentifier{1, 2, 3}, AddTSACertificate: request.Certificates,
	}
	response, err := stamp.CreateResponseWithOpts(a.certificate, a.key, crypto.SHA256)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(response)
}

// Ensures that a day is signed with a time stamp of the authority, for which it waits, that
// the proof has it, and that one of somebody else or of another statement is refused.
func TestTimeStamp(t *testing.T) {
	f := newFixture(t)
	a := newAuthority(t, "2026-11-23T00:20:00+01:00")
	f.must(f.notary.Close())
	f.stamps, a.down = a.URL, true
	f.openNotary()
	f.record("driveway", "2026-11-22T13:10:00+01:00", 2)
	f.now = teststore.At("2026-11-23T00:16:00+01:00").Time()
	if err := f.notary.Round(f.Context()); err == nil || !strings.Contains(err.Error(), "time stamp") {
		t.Errorf("without the authority: %v", err)
	}
	a.down = false
	f.round("2026-11-23T00:20:00+01:00")
	report := f.accept(f.hour("driveway", "13.mp4"))
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	signed := report.Signed[0]
	stamp, err := signed.VerifyTimeStamp(roots)
	if err != nil || !stamp.Time.Equal(a.now) || !strings.Contains(stamp.Signer, "Test Authority") {
		t.Errorf("%+v, %v", stamp, err)
	}
	others := x509.NewCertPool()
	others.AddCert(newAuthority(t, "2026-11-23T00:20:00+01:00").certificate)
	if _, err := signed.VerifyTimeStamp(others); err == nil {
		t.Error("a certificate of somebody else is trusted")
	}
	if _, err := (&proof.Signed{Text: signed.Text + " ", TimeStamp: signed.TimeStamp}).VerifyTimeStamp(roots); err == nil {
		t.Error("the time stamp of another statement is taken")
	}

	// In the end, the footage is signed without.
	a.down = true
	f.record("driveway", "2026-11-23T13:10:00+01:00", 2)
	f.round("2026-11-24T06:16:00+01:00")
	if p := f.clip("2026-11-23T13:10:00+01:00", "2026-11-23T13:10:20+01:00"); len(f.accept(p).Signed[0].TimeStamp) > 0 {
		t.Error("there is a time stamp")
	}
}
