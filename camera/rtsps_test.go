// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/test/testcamera"
	"github.com/moonfirefs/moonfirefs/internal/test/testcamera/cameratest"
)

// selfSigned makes a certificate as cameras have one.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}

// A camera that encrypts is recorded as any other, whoever signed its
// certificate.
func TestRTSPS(t *testing.T) {
	camera := startCamera(t, testcamera.Config{Username: username, Password: plantedPassword})
	url := encrypted(t, camera, selfSigned(t))
	session := openSession(t, Config{URL: url, Username: username, Password: plantedPassword})
	frames := read(t, session, 20)
	compareWithSent(t, frames, camera.Sent())
}

// TestCertificates ensures that a certificate is verified as it is asked for.
func TestCertificates(t *testing.T) {
	certificate := selfSigned(t)
	url := encrypted(t, startCamera(t, testcamera.Config{}), certificate)
	fingerprint := sha256.Sum256(certificate.Certificate[0])
	session := openSession(t, Config{URL: url, Certificate: Certificate{Fingerprint: fingerprint[:]}})
	read(t, session, 5)
	if got, want := session.Description().Fingerprint, hex.EncodeToString(fingerprint[:]); got != want {
		t.Errorf("the fingerprint is %s, want %s", got, want)
	}
	other := sha256.Sum256(nil)
	for want, policy := range map[string]Certificate{
		fmt.Sprintf("the camera has a certificate with the fingerprint %x, not %x", fingerprint, other): {Fingerprint: other[:]},
		"certificate signed by unknown authority":                                                       {Roots: true},
	} {
		if _, err := Open(t.Context(), Config{URL: url, Certificate: policy}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestCertificateInURL ensures that a URL can say how the certificate is verified, and that
// nothing of that reaches the camera.
func TestCertificateInURL(t *testing.T) {
	certificate := selfSigned(t)
	url := encrypted(t, startCamera(t, testcamera.Config{}), certificate)
	fingerprint := sha256.Sum256(certificate.Certificate[0])
	for _, how := range []string{"off", hex.EncodeToString(fingerprint[:])} {
		with, err := WithCertificate(url+"#certificate=roots", how)
		if err != nil {
			t.Fatal(err)
		}
		read(t, openSession(t, Config{URL: with}), 1)
	}
	for how, want := range map[string]string{
		"roots":                 "certificate signed by unknown authority",
		strings.Repeat("0", 64): "the camera has a certificate with the fingerprint",
		"sometimes":             errCertificate.Error(),
		"":                      errCertificate.Error(),
	} {
		if _, err := Open(t.Context(), Config{URL: url + certificateFragment + how}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", how, err, want)
		}
	}
	if _, err := WithCertificate(url, "00"); err == nil {
		t.Error("a fingerprint of one byte is taken")
	}
}

// encrypted returns the URL under which a camera encrypts.
func encrypted(t *testing.T, camera *testcamera.Camera, certificate tls.Certificate) string {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(camera.URL(), "rtsp://"), "/")
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	address := cameratest.Listen(t, func(conn net.Conn) {
		plain, err := net.Dial("tcp", host)
		if err != nil {
			t.Error(err)
			return
		}
		encrypted := tls.Server(conn, config)
		copied := make(chan struct{})
		go func() {
			defer close(copied)
			_, _ = io.Copy(encrypted, plain)
			conn.Close()
		}()
		_, _ = io.Copy(plain, encrypted)
		plain.Close()
		<-copied
	})
	return "rtsps://" + address + "/" + path
}
