package camera

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
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
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
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
	host, path, _ := strings.Cut(strings.TrimPrefix(camera.URL(), "rtsp://"), "/")
	config := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
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
	session := openSession(t, Config{URL: "rtsps://" + address + "/" + path, Username: username, Password: plantedPassword})
	frames := read(t, session, 20)
	compareWithSent(t, frames, camera.Sent())
}
