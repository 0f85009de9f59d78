module alphorn.dev/bench/tools

go 1.24
