// Package lab is what the whole-system programs under bench share: the platform
// as a process of its own, what processes use (Linux, /proc), the bundled store
// counted by queries, a probe that measures how long a change takes to a viewer's
// screen, and times in between.
package lab

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Say tells on standard error what happens meanwhile.
func Say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// Sleep waits for d unless ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// Until asks each quarter of a second whether ok holds; what says what is waited for.
func Until(ctx context.Context, within time.Duration, what string, ok func() bool) error {
	for deadline := time.Now().Add(within); !ok(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, within)
		}
		if err := Sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
