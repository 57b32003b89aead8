# SPDX-License-Identifier: GPL-2.0
#
# The plot of `make bench`, from the files that report.py wrote.

set terminal pngcairo size 1500,1150 font "Sans,13" background "#ffffff"
set output "bench.png"

blue = "#1f6fb2"
orange = "#e08214"
grey = "#888888"
green = "#3a923a"

set style fill solid 0.9 noborder
set border 3 linecolor rgb grey
set grid ytics linecolor rgb "#dddddd" linetype 1
set tics nomirror textcolor rgb "#333333"
set key top left opaque

set multiplot

# --- instructions ---
set title "Instructions that a packet costs more (Linux 6.1)" font ",15"
set origin 0,0.45
set size 1,0.55
set bmargin 9
set lmargin 14
set rmargin 3
set xrange [-0.7:*] noextend
set xtics rotate by 28 right font ",11" noenhanced
set yrange [10:*]
set logscale y
set ylabel "instructions"
set style data histogram
set style histogram clustered gap 1
set boxwidth 0.9
plot "cost.dat" using 2:xtic(1) title "ingress" linecolor rgb blue, \
     "" using 3 title "egress" linecolor rgb orange, \
     400 with lines title "target, untracked (400)" linecolor rgb green dashtype 2 linewidth 2, \
     300 with lines title "target, tracked (300)" linecolor rgb grey dashtype 2 linewidth 2

# --- nanoseconds ---
unset logscale y
set title "Nanoseconds of a packet, 256 KiB" font ",15"
set origin 0,0
set size 0.48,0.45
set bmargin 5
set yrange [0:*]
set ylabel "ns"
plot "speed.dat" using 2:xtic(1) title "1,000 flows" linecolor rgb blue, \
     "" using 3 title "1,000,000 flows" linecolor rgb orange

# --- memory ---
set title "Flows that get an entry in the table\n{/*0.8 Zipf 1.0, 10^6 flows, threshold 10^{-4} of the traffic}" font ",15"
set origin 0.5,0
set size 0.5,0.45
set style data linespoints
set logscale x 2
set logscale y
set yrange [1000:10000000]
set key top right
set xrange [*:*]
set xtics norotate center autofreq font ",12"
set xlabel "KiB of each CPU"
set ylabel "flows"
plot "sweep.dat" using 1:2 title columnheader linewidth 3 pointtype 7 pointsize 1.3 linecolor rgb blue, \
     for [i=3:6] "" using 1:i title columnheader(i) linewidth 2 pointtype 2 * i, \
     "" using 1:7 title columnheader linewidth 2 pointtype 1 linecolor rgb grey
unset multiplot
