# Double spends: the share of attempts that succeed by the confirmations that the merchant waits for,
# with 95 % bands, beside the theory (Rosenfeld, 2014).
# Called with: the table of the sweep, out, kind of file, title.
call "common.gp" ARG2 ARG3 ARG4
table = ARG1
set xlabel "confirmations"
set ylabel "attempts that succeed"
set xrange [-0.5:6.5]
set xtics 1
set yrange [0:0.5]
set key top right
plot table using (($1 == 0.3) ? $2 : NaN):6 every ::1 \
         with points pt 2 ps 1.5 lw 2 lc rgb grey title "expected", \
     table using (($1 == 0.1) ? $2 : NaN):6 every ::1 \
         with points pt 2 ps 1.5 lw 2 lc rgb grey notitle, \
     table using (($1 == 0.3) ? $2 : NaN):4:(1.96*$5) every ::1 \
         with yerrorbars pt 7 ps 0.7 lw 2 lc rgb orange title "30 % of the hash rate", \
     table using (($1 == 0.1) ? $2 : NaN):4:(1.96*$5) every ::1 \
         with yerrorbars pt 7 ps 0.7 lw 2 lc rgb blue title "10 % of the hash rate"
