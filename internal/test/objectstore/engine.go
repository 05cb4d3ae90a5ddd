// SPDX-License-Identifier: GPL-3.0-or-later

package objectstore

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// These name a program that is used instead of gofakes3 then: versitygw, or SeaweedFS's weed.
const (
	versityVariable = "MOONFIREFS_VERSITYGW"
	seaweedVariable = "MOONFIREFS_SEAWEEDFS"
)

// startVersity starts versitygw, which keeps the objects of a bucket as files in a folder of
// that name, and their metadata as extended attributes.
func startVersity(t testing.TB, program string) (handler http.Handler, bucket string) {
	t.Helper()
	folder := t.TempDir()
	bucket = filepath.Join(folder, Bucket)
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	startEngine(t, address, program, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet", "posix", folder)
	return forwardTo(address), bucket
}

// startSeaweed starts all of SeaweedFS's servers, with an empty bucket.
func startSeaweed(t testing.TB, program string) (handler http.Handler, bucket *minio.Client) {
	t.Helper()
	folder := t.TempDir()
	config := filepath.Join(folder, "s3.json")
	identity := `{"identities": [{"name": "test", "credentials": [{"accessKey": "` + accessKey + `", "secretKey": "` + secretKey + `"}],
		"actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}`
	if err := os.WriteFile(config, []byte(identity), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	arguments := []string{
		"-logtostderr", "-v=0", "server", "-dir", folder, "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1", "-volume.max", "0",
		"-s3", "-s3.config", config, "-s3.port", port, "-s3.port.grpc", freePort(t),
	}
	for _, server := range []string{"master", "volume", "filer"} {
		arguments = append(arguments, "-"+server+".port", freePort(t), "-"+server+".port.grpc", freePort(t))
	}
	address := net.JoinHostPort("127.0.0.1", port)
	startEngine(t, address, program, arguments...)
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "SeaweedFS to make a bucket", func() bool { return client.MakeBucket(t.Context(), Bucket, minio.MakeBucketOptions{}) == nil })
	return forwardTo(address), client
}

// startEngine starts a program that ends with the test, and waits until it listens.
func startEngine(t testing.TB, address, program string, arguments ...string) {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	wait.Until(t, fmt.Sprintf("%s to listen", program), func() bool {
		connection, err := net.Dial("tcp", address)
		return err == nil && connection.Close() == nil
	})
}

func forwardTo(address string) http.Handler {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
}

func freePort(t testing.TB) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddress(t))
	return port
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
