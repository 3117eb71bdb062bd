# SPDX-License-Identifier: GPL-2.0-only
# gnuplot -e "data='FILE'; picture='FILE.svg'": what `sameway-bench forward --data` wrote, as bars with their spread
set terminal svg size 960,480 dynamic background "#ffffff" font "sans-serif,13"
set output picture
set title "Packets a second of one CPU, 10,000 routes, 64-byte frames between namespaces"
set ylabel "Mpps by CPU time: median, least and greatest"
set style data histograms
set style histogram errorbars gap 1 linewidth 1
set style fill solid 0.8 border -1
set boxwidth 0.9
set grid ytics linecolor "#cccccc"
set key top right
set xtics scale 0
stats data using 2 nooutput
set yrange [0:*]
plot for [i = 0:STATS_blocks - 1] data index i using 2:3:4:xtic(1) title columnheader(1)
