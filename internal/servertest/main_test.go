package servertest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var length = flag.Duration("length", 12*time.Second, "how much is published")

// binary is the program, built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "moonfirefs-servertest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "moonfirefs")
	// "go test" tells where it is; the search path may be another one by now.
	tool := "go"
	if root := os.Getenv("GOROOT"); root != "" {
		tool = filepath.Join(root, "bin", "go")
	}
	build := exec.Command(tool, "build", "-o", binary, "github.com/moonfirefs/moonfire/cmd/moonfirefs")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, output)
		return 1
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}
