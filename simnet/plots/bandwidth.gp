# What a node receives in each second; below it how many transactions wait for a block.
# Called with: data folder, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1."/seconds.tsv"
unset title
set lmargin 11 # one time scale for both
set multiplot layout 2,1 title ARG4 noenhanced
set xrange [0:*]
set yrange [0:*]
set ylabel "received by a node, kB/s"
plot table using 1:($6 / 1000) every ::1 with lines lw 1 lc rgb grey title "busiest node", \
     table using 1:($5 / 1000) every ::1 with lines lw 2 lc rgb blue title "mean"
set xlabel "virtual time, s"
set ylabel "transactions in a pool"
plot table using 1:7 every ::1 with lines lw 2 lc rgb green notitle
unset multiplot
