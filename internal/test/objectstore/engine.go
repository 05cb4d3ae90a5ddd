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

	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// engineVariable names the program versitygw, which is used instead of gofakes3 then.
const engineVariable = "MOONFIREFS_VERSITYGW"

// startEngine starts versitygw, which keeps the objects of a bucket as files in a folder of
// that name, and their metadata as extended attributes.
func startEngine(t testing.TB, program string) (handler http.Handler, bucket string) {
	t.Helper()
	folder := t.TempDir()
	bucket = filepath.Join(folder, Bucket)
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	cmd := exec.Command(program, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet", "posix", folder)
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
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address}), bucket
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
