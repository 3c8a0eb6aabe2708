@echo off
chcp 65001 >nul
cd /d "%~dp0"
rem ChatKit: the lessons in your browser; nothing is installed
where py >nul 2>nul && (py -3 serve.py --open & goto end)
where python >nul 2>nul && (python serve.py --open & goto end)
echo This computer has no Python: see READ-ME.txt
echo เครื่องนี้ไม่มี Python ให้ดู READ-ME.txt
:end
pause
