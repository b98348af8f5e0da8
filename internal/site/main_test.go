package site_test

import (
	"os"
	"testing"

	"tertulia/internal/leaktest"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Of(m).Run()) }
